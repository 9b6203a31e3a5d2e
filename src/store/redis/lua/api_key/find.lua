-- Asks where an API key lies. One script, so that every question is one.
-- KEYS[1] hash: the key, or string: the pointer of an imported one.
-- ARGV[1] p for a pointer.
-- Reply: packed: 0, or 1 and then the owner, of a pointer the key's id and the owner.
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
