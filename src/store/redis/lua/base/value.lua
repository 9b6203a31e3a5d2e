-- A value of another length is none of ours: better no answer than a wrong one.
local function of_length(value, length)
  if value and #value ~= length then error('FOREIGN value under a key of ours') end
  return value
end

-- The same of a quota, behind which stands what was given back of it.
local function quota_value(state)
  return #state > QUOTA_LENGTH and (#state - QUOTA_LENGTH) % STRETCH_LENGTH == 0 and state or of_length(state, QUOTA_LENGTH)
end
