-- The key that receipts are sealed with. One script, because all who ask at first must get the same.
-- KEYS[1] string: the key. ARGV[1] 32 random bytes, which become it where there is none.
-- Reply: the key.
--- @include "base/prelude.lua"
redis.call('SET', KEYS[1], ARGV[1], 'NX')
local key = redis.call('GET', KEYS[1])
if #key ~= DIGEST_LENGTH then error('FOREIGN value under a key of ours') end
return key
