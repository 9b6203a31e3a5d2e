-- Tells the pointer of an imported key of its record, which lies in another slot. One script, because of several who change
-- the key's expiry none may let the pointer end before the record.
-- KEYS[1] string: the pointer. ARGV[1] id and owner. ARGV[2] packed: what (1 the key is there, 2 its expiry is about to be
--   changed, 3 that is done, 4 it has ended for good), version (of 3), when the record may be gone (ms, 2^48 - 1: never).
-- Reply: packed: 1 where it is theirs, else 0.
--- @include "base/prelude.lua"
--- @include "api_key/index_entry.lua"
local p = pointer_read(KEYS[1])
if not p or p.place ~= ARGV[1] then return struct.pack(U32, 0) end
local what, version, due = struct.unpack(INDEX_UPDATE, ARGV[2])
if what == CHANGE_ENDED then
  p.kind, p.due = KEY_ENDED_FOR_GOOD, due
elseif what == CHANGE_CREATED then
  if p.kind == IMPORTING then p.kind = STORED end
  -- The expiry may have been changed since.
  if p.kind == STORED and p.version == 0 then p.due = due end
elseif what == CHANGE_BEGINS then
  p.waiting = p.waiting + 1
else
  p.waiting = math.max(p.waiting - 1, 0)
  if p.kind ~= KEY_ENDED_FOR_GOOD and version > p.version then p.version, p.due = version, due end
end
pointer_write(KEYS[1], p)
return struct.pack(U32, 1)
