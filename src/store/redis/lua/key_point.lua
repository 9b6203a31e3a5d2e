-- Tells the pointer of an imported key of its record, which lies in another slot. One script, because of several who change
-- the key's expiry none may let the pointer end before the record.
-- KEYS[1] string: the pointer. ARGV[1] id and owner. ARGV[2] packed: what (1 the key is there, 2 its expiry is about to be
--   changed, 3 that is done, 4 it has ended for good), version (of 3), when the record may be gone (ms, 2^48 - 1: never).
-- Reply: packed: 1 where it is theirs, else 0.
local p = pointer_read(KEYS[1])
if not p or p.place ~= ARGV[1] then return struct.pack('>I4', 0) end
local what, version, due = struct.unpack('>I1I7I6', ARGV[2])
if what == 4 then
  p.kind, p.due = 3, due
elseif what == 1 then
  if p.kind == 1 then p.kind = 2 end
  -- The expiry may have been changed since.
  if p.kind == 2 and p.version == 0 then p.due = due end
elseif what == 2 then
  p.waiting = p.waiting + 1
else
  p.waiting = math.max(p.waiting - 1, 0)
  if p.kind ~= 3 and version > p.version then p.version, p.due = version, due end
end
pointer_write(KEYS[1], p)
return struct.pack('>I4', 1)
