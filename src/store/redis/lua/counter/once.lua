-- Gives a key to one caller, until its time has passed or for ever. One script, because nobody may take it between the
-- question and the act, and whoever holds it must hear so again.
-- KEYS[1] string: a byte 1, until when (ms, 2^48 - 1: for ever), and who holds it.
-- ARGV[1] packed: time (ms, 0: for ever). ARGV[2] who asks.
-- Reply: packed: 1 where the key is the asker's now, else 0.
--- @include "base/prelude.lua"
local ttl = struct.unpack(DURATION, ARGV[1])
local held = redis.call('GET', KEYS[1])
if held then
  if #held <= ONCE_LENGTH or string.byte(held) ~= 1 then return redis.error_reply('FOREIGN value under a key of ours') end
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
