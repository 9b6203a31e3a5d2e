-- Ends every session and every token of a user issued up to now, and blocks the user if asked to.
-- One script, because a login in between must be either ended or newer.
-- KEYS[1] hash: the user's record. KEYS[2] sorted set: its queue. KEYS[3] hash: the index of the user's API keys (only
-- where they are to fall too). The last of KEYS, hash: leads of issuers (only where ARGV[2] is empty).
-- ARGV[1] packed: block (0 or 1), until (ms, 2^48 - 1: for ever), horizon (ms), API keys fall too. ARGV[2] packed: by how much
-- the clock of the user's issuer leads the server's (ms), or empty. ARGV[3] issuer (only where ARGV[2] is empty).
-- Reply: packed: how many sessions were ended. Or the status AGAIN.
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
