-- Returns the key that seals receipts. One script, because all first callers must get the same key.
-- KEYS[1] string: the key. ARGV[1] 32 random bytes: the key if none is stored.
-- Reply: the key.
--- @include "base/prelude.lua"
redis.call('SET', KEYS[1], ARGV[1], 'NX')
local key = redis.call('GET', KEYS[1])
if #key ~= DIGEST_LENGTH then error('FOREIGN value under a key of latchgate') end
return key
