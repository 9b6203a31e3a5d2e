-- The index entry of an imported key (POINTER in layout.rs): POINTER, then the key's id and the owner.

local function pointer_read(key)
  local value = redis.call('GET', key)
  if not value then return nil end
  if #value <= POINTER_LENGTH + ID_LENGTH or string.byte(value) < IMPORTING or string.byte(value) > KEY_ENDED then error('FOREIGN value under a key of latchgate') end
  local p = { place = string.sub(value, POINTER_LENGTH + 1) }
  p.kind, p.waiting, p.version, p.due = struct.unpack(POINTER, value)
  return p
end

-- The entry outlives the record of the key by SLACK. It has no expiry while the expiry of the record is not certain.
local function pointer_write(key, p)
  local value = struct.pack(POINTER, p.kind, p.waiting, p.version, p.due) .. p.place
  if p.kind == IMPORTING then
    redis.call('SET', key, value, 'KEEPTTL')
  elseif p.due < NEVER and (p.waiting == 0 or p.kind == KEY_ENDED) then
    redis.call('SET', key, value, 'PXAT', string.format('%.0f', p.due + SLACK))
  else
    redis.call('SET', key, value)
  end
end
