-- Releases a key. One script, because the caller must release its own key only.
-- KEYS[1] string: the key (ONCE).
-- ARGV[1] the caller.
-- Reply: U32: 1 if the caller held the key, else 0.
--- @include "base/prelude.lua"
local held = redis.call('GET', KEYS[1])
if not held then return struct.pack(U32, 0) end
if #held <= ONCE_LENGTH or string.byte(held) ~= 1 then return redis.error_reply('FOREIGN value under a key of latchgate') end
local _, till = struct.unpack(ONCE, held)
if till <= now or string.sub(held, ONCE_LENGTH + 1) ~= ARGV[1] then return struct.pack(U32, 0) end
redis.call('DEL', KEYS[1])
return struct.pack(U32, 1)
