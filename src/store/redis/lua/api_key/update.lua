-- Changes the data of an API key. One script, because its expiry and the index must agree.
-- KEYS[1] hash: the key. KEYS[2] hash: the owner's index.
-- ARGV[1] id. ARGV[2] KEY_PATCH. ARGV[3] name. ARGV[4] scopes. ARGV[5] metadata. ARGV[6] RULE or empty. ARGV[7] `1` if the
--   index entry of an imported key knows that the expiry is about to change. ARGV[8] owner.
-- Reply: U8: UPDATE_UNKNOWN; UPDATE_DONE, then key_view; or UPDATE_INDEX_FIRST, then the SHA-256 of an imported key. Or
--   KEY_CHANGED, the SHA-256 and key_view.
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
-- A key whose new expiry is long past is returned one last time.
k = key_kept(key, epoch, ARGV[8])
local told, changed = key_view(key, k), struct.pack(U8, UPDATE_DONE)
if imported then
  version = (version and struct.unpack(U56, version) or 0) + 1
  redis.call('HSET', key, 'e', struct.pack(U56, version))
  changed = struct.pack(KEY_CHANGED, UPDATE_INDEX_AFTER, version, k.ends < NEVER and k.ends + KEPT or NEVER) .. imported
end
key_expire(key, k, index, id)
-- Announces every new expiry, because it may have passed already.
if struct.unpack(U8, ARGV[2]) >= PATCH_EXPIRY then announce(index) end
return changed .. told
