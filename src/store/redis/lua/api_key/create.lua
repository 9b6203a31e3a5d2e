-- Creates an API key. One script, because the key and the index must agree, and its birth must exceed the epoch.
-- KEYS[1] hash: the key. KEYS[2] hash: the owner's index.
-- ARGV[1] id. ARGV[2] SHA-256 of the key's text. ARGV[3] owner. ARGV[4] first characters of the text. ARGV[5] KEY_PATCH.
-- ARGV[6] name. ARGV[7] scopes. ARGV[8] metadata. ARGV[9] RULE or empty. ARGV[10] SHA-256 of an imported key, or empty.
-- Reply: U32: 1, or 0 if the id is taken.
--- @include "base/prelude.lua"
--- @include "base/value.lua"
--- @include "base/announce.lua"
--- @include "quota/quota.lua"
--- @include "quota/idempotency.lua"
--- @include "api_key/key.lua"
--- @include "api_key/view.lua"
--- @include "api_key/patch.lua"
local key, index, id = KEYS[1], KEYS[2], ARGV[1]
local last, epoch, endless, latest = index_read(index)
-- The epoch of this owner does not revoke a key of another owner. Only the record of that key says whether the key ended.
local holder = redis.call('HGET', key, 'o')
if key_read(key, holder == ARGV[3] and epoch or 0, holder) then return struct.pack(U32, 0) end
-- Removes a few expired entries, so that an index that no caller reads does not grow. An entry stays if its key was revoked
-- with all keys of the owner and was not listed since: its record still exists, and only the index shows the revocation.
local some = redis.call('HRANDFIELD', index, SWEEP, 'WITHVALUES')
for i = 1, #some, 2 do
  if some[i] ~= '.' then
    if struct.unpack(U48, of_length(some[i + 1], KEY_INDEX_ENTRY_LENGTH)) <= now then redis.call('HDEL', index, some[i]) end
  end
end
last = math.max(now_us, last + 1)
redis.call('DEL', key)
redis.call('HSET', index, '.', struct.pack(KEY_INDEX, last, epoch, endless, latest))
redis.call('HSET', key, 'h', ARGV[2], 'o', ARGV[3], 't', ARGV[4])
if ARGV[10] ~= '' then redis.call('HSET', key, 'i', ARGV[10]) end
local k = { created = now, born = last, expires = NEVER, revoked = NEVER, old = 0 }
key_patch(key, k, ARGV[5], ARGV[6], ARGV[7], ARGV[8], ARGV[9])
k.ends = k.expires
key_write(key, k)
key_expire(key, k, index, id)
return struct.pack(U32, 1)
