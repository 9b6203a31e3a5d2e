-- Looks up the owner of an API key. One script, so that every question to a store is one script.
-- KEYS[1] hash: the key; or string: the index entry of an imported key.
-- ARGV[1] `p` for an index entry.
-- Reply: U8: 0; or 1, then the owner. For an index entry the key's id precedes the owner.
--- @include "base/prelude.lua"
--- @include "api_key/index_entry.lua"
local found
if ARGV[1] == 'p' then
  local p = pointer_read(KEYS[1])
  found = p and p.place
else
  found = redis.call('HGET', KEYS[1], 'o')
end
if not found then return struct.pack(U8, 0) end
return struct.pack(U8, 1) .. found
