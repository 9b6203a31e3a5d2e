-- Lists the ids of an owner's API keys. One script, so that every question is one.
-- KEYS[1] hash: the owner's index.
-- Reply: packed: how many; then the ids, each behind its length.
local ids = redis.call('HKEYS', KEYS[1])
local told = {}
for _, id in ipairs(ids) do
  if id ~= '.' then told[#told + 1] = struct.pack('>I4', #id) .. id end
end
return struct.pack('>I4', #told) .. table.concat(told)
