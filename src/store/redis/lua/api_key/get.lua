-- Returns the data of API keys of one owner. One script, because it also removes keys that are gone from the index.
-- KEYS[1] hash: the owner's index. KEYS[n + 1] hash: a key. ARGV[1] owner. ARGV[n + 1] a key's id.
-- Reply: U32: number of keys; for each key U32: its number, then key_view. Then, for each imported key that this call found
--   revoked with all keys of the owner, U32: its number, then the update for its index entry (key_ended).
--- @include "base/prelude.lua"
--- @include "base/value.lua"
--- @include "base/announce.lua"
--- @include "quota/quota.lua"
--- @include "quota/idempotency.lua"
--- @include "api_key/key.lua"
--- @include "api_key/view.lua"
local index, told, ended_keys = KEYS[1], {}, {}
local _, epoch = index_read(index)
for i = 1, #ARGV - 1 do
  local id, key = ARGV[i + 1], KEYS[i + 1]
  local k, is_foreign = key_kept(key, epoch, ARGV[1])
  local is_listed = k and k.ends + LISTED > now
  if is_listed then told[#told + 1] = struct.pack(U32, i - 1) .. key_view(key, k) end
  -- A key that was revoked with all keys of the owner learns so here. If its time is over, its record expires immediately.
  if k and k.born <= epoch and k.revoked == NEVER then
    k.revoked = math.floor(epoch / THOUSAND)
    key_write(key, k)
    local ended = key_ended(key, k)
    if ended ~= '' then ended_keys[#ended_keys + 1] = struct.pack(U32, i - 1) .. ended end
    key_expire(key, k, index, id)
  end
  if not is_listed and (is_foreign or redis.call('EXISTS', key) == 0) and redis.call('HEXISTS', index, id) == 1 then
    index_note(index, id)
  end
end
-- The index is empty, and its epoch reaches no key that may still be created.
local last = index_read(index)
if redis.call('HLEN', index) == 1 and last > 0 and math.floor(last / THOUSAND) <= now then redis.call('DEL', index) end
return struct.pack(U32, #told) .. table.concat(told) .. table.concat(ended_keys)
