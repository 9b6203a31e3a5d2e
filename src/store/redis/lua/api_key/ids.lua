-- Lists ids of an owner's API keys, one page. One script, so that every question is one.
-- KEYS[1] hash: the owner's index. ARGV[1] where the page begins, as HSCAN says it.
-- Reply: packed: where the next page begins (0: nowhere), behind its length; how many ids; then the ids, each behind its
--   length. An id may be told twice.
--- @include "base/prelude.lua"
local page = redis.call('HSCAN', KEYS[1], ARGV[1], 'COUNT', PAGE)
local told = {}
for i = 1, #page[2], 2 do
  local id = page[2][i]
  if id ~= '.' then told[#told + 1] = struct.pack(U32, #id) .. id end
end
return struct.pack(U32, #page[1]) .. page[1] .. struct.pack(U32, #told) .. table.concat(told)
