-- The pointer of an imported key: what it is (1 an import is under way, 2 kept, 3 its key has ended), changes of the key's
-- expiry that are under way, the version of the last one that is done, when the key's record may be gone (ms, 2^48 - 1:
-- never); id and owner.

local function pointer_read(key)
  local value = redis.call('GET', key)
  if not value then return nil end
  if #value <= POINTER_LENGTH + ID_LENGTH or string.byte(value) < IMPORTING or string.byte(value) > KEY_ENDED_FOR_GOOD then error('FOREIGN value under a key of ours') end
  local p = { place = string.sub(value, POINTER_LENGTH + 1) }
  p.kind, p.waiting, p.version, p.due = struct.unpack(POINTER, value)
  return p
end

-- It outlives the key's record, by an hour; while nobody can say until when that lives, it stays.
local function pointer_write(key, p)
  local value = struct.pack(POINTER, p.kind, p.waiting, p.version, p.due) .. p.place
  if p.kind == IMPORTING then
    redis.call('SET', key, value, 'KEEPTTL')
  elseif p.due < NEVER and (p.waiting == 0 or p.kind == KEY_ENDED_FOR_GOOD) then
    redis.call('SET', key, value, 'PXAT', string.format('%.0f', p.due + SLACK))
  else
    redis.call('SET', key, value)
  end
end
