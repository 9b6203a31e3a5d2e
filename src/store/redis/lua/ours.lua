
-- A value of another length is none of ours: better no answer than a wrong one.
local function ours(value, length)
  if value and #value ~= length then error('FOREIGN value under a key of ours') end
  return value
end

-- The same of a quota, behind which stands what was given back of it.
local function ours_quota(state)
  return #state > 41 and (#state - 41) % 14 == 0 and state or ours(state, 41)
end
