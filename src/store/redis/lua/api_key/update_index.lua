-- Updates the index entry of an imported API key, whose record is in another slot. One script, because concurrent changes of
-- the expiry must not let the entry end before the record.
-- KEYS[1] string: the index entry. ARGV[1] id and owner. ARGV[2] INDEX_UPDATE.
-- Reply: U32: 1 if the entry belongs to that key and owner, else 0.
--- @include "base/prelude.lua"
--- @include "api_key/index_entry.lua"
local p = pointer_read(KEYS[1])
if not p or p.place ~= ARGV[1] then return struct.pack(U32, 0) end
local what, version, due = struct.unpack(INDEX_UPDATE, ARGV[2])
if what == CHANGE_ENDED then
  p.kind, p.due = KEY_ENDED, due
elseif what == CHANGE_CREATED then
  if p.kind == IMPORTING then p.kind = STORED end
  -- A change of the expiry may have been recorded before.
  if p.kind == STORED and p.version == 0 then p.due = due end
elseif what == CHANGE_BEGINS then
  p.waiting = p.waiting + 1
else
  p.waiting = math.max(p.waiting - 1, 0)
  if p.kind ~= KEY_ENDED and version > p.version then p.version, p.due = version, due end
end
pointer_write(KEYS[1], p)
return struct.pack(U32, 1)
