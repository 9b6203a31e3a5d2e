-- Returns a value of that length, or false. A value of another length is foreign: the script fails instead of a wrong answer.
local function of_length(value, length)
  if value and #value ~= length then error('FOREIGN value under a key of latchgate') end
  return value
end

-- The same for a quota, which may be followed by its refunds.
local function quota_value(state)
  return #state > QUOTA_LENGTH and (#state - QUOTA_LENGTH) % STRETCH_LENGTH == 0 and state or of_length(state, QUOTA_LENGTH)
end
