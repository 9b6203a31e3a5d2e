-- Lists the ids of an owner's API keys, one page. One script, so that every question to a store is one script.
-- KEYS[1] hash: the owner's index. ARGV[1] the cursor of HSCAN.
-- Reply: the next cursor (0: the end) with its length; U32: number of ids; then the ids, each with its length. An id may occur
--   twice.
--- @include "base/prelude.lua"
local page = redis.call('HSCAN', KEYS[1], ARGV[1], 'COUNT', PAGE)
local told = {}
for i = 1, #page[2], 2 do
  local id = page[2][i]
  if id ~= '.' then told[#told + 1] = struct.pack(U32, #id) .. id end
end
return struct.pack(U32, #page[1]) .. page[1] .. struct.pack(U32, #told) .. table.concat(told)
