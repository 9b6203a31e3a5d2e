-- Ends every session of a user, revokes every token issued up to now, and blocks the user if requested.
-- One script, because a concurrent login must be either ended or newer.
-- KEYS[1] hash: the user's record. KEYS[2] sorted set: its queue. KEYS[3] hash: the index of the user's API keys, only if they
--   are revoked too. The last of KEYS, hash: leads of issuers, only if ARGV[2] is empty.
-- ARGV[1] REVOKE_USER. ARGV[2] REACH: the lead of the issuer's clock, or empty. ARGV[3] issuer, only if ARGV[2] is empty.
-- Reply: U32: number of ended sessions. Or the status AGAIN.
--- @include "base/prelude.lua"
local blocking, till, horizon, with_keys = struct.unpack(REVOKE_USER, ARGV[1])
--- @include "base/value.lua"
--- @include "base/announce.lua"
--- @include "record/record.lua"
--- @include "revocation/lead_seen.lua"

local index = with_keys == 1 and of_length(redis.call('HGET', KEYS[3], '.'), KEY_INDEX_LENGTH)
if purge() then
  save()
  return again()
end
local lead
if ARGV[2] == '' then
  local _, latest, before = lead_seen(KEYS[#KEYS], ARGV[3])
  lead = math.max(latest, before)
else
  lead = struct.unpack(REACH, ARGV[2])
end
local count = revoke_all(lead)
if blocking == 1 then block = math.max(block, till) end
save()
if index then
  local last = math.max(now_us, (struct.unpack(U56, index)))
  redis.call('HSET', KEYS[3], '.', struct.pack(KEY_INDEX_START, last, last) .. string.sub(index, KEY_INDEX_ENDLESS_AT))
end
announce(record)
return struct.pack(U32, count)
