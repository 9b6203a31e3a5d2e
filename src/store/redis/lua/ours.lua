
-- A value of another length is none of ours: better no answer than a wrong one.
local function ours(value, length)
  if value and #value ~= length then error('FOREIGN value under a key of ours') end
  return value
end
