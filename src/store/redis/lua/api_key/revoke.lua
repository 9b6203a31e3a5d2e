-- Revokes an API key. One script, because only one of two callers may learn that it revoked the key.
-- KEYS[1] hash: the key. KEYS[2] hash: the owner's index. ARGV[1] id. ARGV[2] owner.
-- Reply: U32: 1, or 0 if no such key is valid; then, for an imported key, the update for its index entry (key_ended).
--- @include "base/prelude.lua"
--- @include "base/value.lua"
--- @include "base/announce.lua"
--- @include "quota/quota.lua"
--- @include "quota/idempotency.lua"
--- @include "api_key/key.lua"
--- @include "api_key/view.lua"
local key = KEYS[1]
local _, epoch = index_read(KEYS[2])
local k = key_read(key, epoch, ARGV[2])
if not k or k.is_revoked then return struct.pack(U32, 0) end
k.revoked = now
k.ends = math.min(k.expires, now)
key_write(key, k)
key_expire(key, k, KEYS[2], ARGV[1])
announce(KEYS[2])
return struct.pack(U32, 1) .. key_ended(key, k)
