-- Gives an API key another secret; the one before it works for a while. One script, because there must be one of each.
-- KEYS[1] hash: the key. KEYS[2] hash: the owner's index.
-- ARGV[1] packed: grace (ms). ARGV[2] SHA-256 of its new text. ARGV[3] start. ARGV[4] owner.
-- Reply: packed: 1, or 0 where no such key stands.
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
-- Without grace the old secret ends whatever becomes of the clock.
k.old = grace > 0 and math.min(now + grace, NEVER) or 0
key_write(key, k)
redis.call('HSET', key, 'h', ARGV[2], 't', ARGV[3], 'x', string.sub(k.hash .. k.spent, 1, MAX_SPENT))
announce(KEYS[2])
return struct.pack(U32, 1)
