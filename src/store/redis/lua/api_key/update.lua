-- Changes what is said of an API key. One script, because its expiry and the index must agree.
-- KEYS[1] hash: the key. KEYS[2] hash: the owner's index.
-- ARGV[1] id. ARGV[2] what: see key_patch. ARGV[3] name. ARGV[4] scopes. ARGV[5] metadata. ARGV[6] rule. ARGV[7] 1 where
--   the pointer of an imported key was told that its expiry is about to be changed. ARGV[8] owner.
-- Reply: packed: 0 where there is no such key; 1 and as key_view; 2 and the SHA-256 of an imported key whose pointer must
--   be told first: nothing was done; 3, the version of the expiry, when the record may be gone (ms), the SHA-256, and as
--   key_view: its pointer is to be told.
--- @include "base/prelude.lua"
--- @include "base/value.lua"
--- @include "base/announce.lua"
--- @include "quota/quota.lua"
--- @include "quota/idempotency.lua"
--- @include "api_key/key.lua"
--- @include "api_key/view.lua"
--- @include "api_key/patch.lua"
local key, index, id = KEYS[1], KEYS[2], ARGV[1]
local _, epoch = index_read(index)
local k = key_read(key, epoch, ARGV[8])
if not k then return struct.pack(U8, UPDATE_UNKNOWN) end
local found = redis.call('HMGET', key, 'i', 'e')
local imported = struct.unpack(U8, ARGV[2]) >= PATCH_EXPIRY and of_length(found[1], DIGEST_LENGTH)
local version = of_length(found[2], U56_LENGTH)
if imported and ARGV[7] ~= '1' then return struct.pack(U8, UPDATE_INDEX_FIRST) .. imported end
if k.state then quota_read(k.state) end
key_patch(key, k, ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6])
key_write(key, k)
-- One whose new expiry is long past is told once more, and is gone with it.
k = key_kept(key, epoch, ARGV[8])
local told, changed = key_view(key, k), struct.pack(U8, UPDATE_DONE)
if imported then
  version = (version and struct.unpack(U56, version) or 0) + 1
  redis.call('HSET', key, 'e', struct.pack(U56, version))
  changed = struct.pack(KEY_CHANGED, UPDATE_INDEX_AFTER, version, k.ends < NEVER and k.ends + KEPT or NEVER) .. imported
end
key_expire(key, k, index, id)
-- Another expiry is told in any case: it may have passed.
if struct.unpack(U8, ARGV[2]) >= PATCH_EXPIRY then announce(index) end
return changed .. told
