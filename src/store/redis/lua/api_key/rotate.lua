-- Replaces the secret of an API key. The previous secret works for a grace period. One script, because a key has exactly one
-- current and one previous secret.
-- KEYS[1] hash: the key. KEYS[2] hash: the owner's index.
-- ARGV[1] DURATION: the grace period. ARGV[2] SHA-256 of the new text. ARGV[3] its first characters. ARGV[4] owner.
-- Reply: U32: 1, or 0 if no such key is valid.
--- @include "base/prelude.lua"
--- @include "base/value.lua"
--- @include "base/announce.lua"
--- @include "quota/quota.lua"
--- @include "quota/idempotency.lua"
--- @include "api_key/key.lua"
--- @include "api_key/view.lua"
local key = KEYS[1]
local _, epoch = index_read(KEYS[2])
local k = key_read(key, epoch, ARGV[4])
if not k or k.is_revoked then return struct.pack(U32, 0) end
local grace = struct.unpack(DURATION, ARGV[1])
-- Without grace the previous secret ends, even if the clock is set back.
k.old = grace > 0 and math.min(now + grace, NEVER) or 0
key_write(key, k)
redis.call('HSET', key, 'h', ARGV[2], 't', ARGV[3], 'x', string.sub(k.hash .. k.spent, 1, MAX_SPENT))
announce(KEYS[2])
return struct.pack(U32, 1)
