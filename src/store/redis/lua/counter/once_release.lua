-- Frees a key. One script, because what is freed must be the asker's own.
-- KEYS[1] string: a byte 1, until when (ms, 2^48 - 1: for ever), and who holds it.
-- ARGV[1] who asks.
-- Reply: packed: 1 where the key was the asker's, else 0.
--- @include "base/prelude.lua"
local held = redis.call('GET', KEYS[1])
if not held then return struct.pack(U32, 0) end
if #held <= ONCE_LENGTH or string.byte(held) ~= 1 then return redis.error_reply('FOREIGN value under a key of ours') end
local _, till = struct.unpack(ONCE, held)
if till <= now or string.sub(held, ONCE_LENGTH + 1) ~= ARGV[1] then return struct.pack(U32, 0) end
redis.call('DEL', KEYS[1])
return struct.pack(U32, 1)
