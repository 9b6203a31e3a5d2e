-- Revokes a token. One script, because a second revocation must never shorten the first.
-- KEYS[1] hash: the user's record. KEYS[2] sorted set: its queue.
-- ARGV[1] REVOKE_TOKEN. ARGV[2] token field.
-- Reply: U32: 1.
--- @include "base/prelude.lua"
local till, horizon = struct.unpack(REVOKE_TOKEN, ARGV[1])
--- @include "base/value.lua"
--- @include "base/announce.lua"
--- @include "record/record.lua"

purge()
-- The clock of the caller decided that the token is not expired. The revocation is stored in any case.
if till < now then till = now end
local old = of_length(redis.call('HGET', record, ARGV[2]), U48_LENGTH)
if old then
  local before = struct.unpack(U48, old)
  if before > till then till = before end
end
redis.call('HSET', record, ARGV[2], struct.pack(U48, till))
schedule(ARGV[2], till + SLACK)
outlive(till)
save()
announce(record)
return struct.pack(U32, 1)
