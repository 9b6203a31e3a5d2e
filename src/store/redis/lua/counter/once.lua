-- Gives a key to one caller, for a time or without end. One script, because no other caller may take the key between the check
-- and the write. The holder gets the same answer again.
-- KEYS[1] string: the key (ONCE).
-- ARGV[1] DURATION: 0 means no end. ARGV[2] the caller.
-- Reply: U32: 1 if the caller holds the key now, else 0.
--- @include "base/prelude.lua"
local ttl = struct.unpack(DURATION, ARGV[1])
local held = redis.call('GET', KEYS[1])
if held then
  if #held <= ONCE_LENGTH or string.byte(held) ~= 1 then return redis.error_reply('FOREIGN value under a key of latchgate') end
  local _, till = struct.unpack(ONCE, held)
  if till > now then return struct.pack(U32, string.sub(held, ONCE_LENGTH + 1) == ARGV[2] and 1 or 0) end
end
if ttl > 0 then
  local value = struct.pack(ONCE, 1, now + ttl) .. ARGV[2]
  redis.call('SET', KEYS[1], value, 'PXAT', string.format('%.0f', now + ttl))
else
  redis.call('SET', KEYS[1], struct.pack(ONCE, 1, NEVER) .. ARGV[2])
end
return struct.pack(U32, 1)
