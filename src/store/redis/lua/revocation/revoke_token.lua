-- Remembers a token as revoked. One script, because revoking again must never shorten.
-- KEYS[1] hash: the user's record. KEYS[2] sorted set: its queue.
-- ARGV[1] packed: until, horizon (ms). ARGV[2] token field.
-- Reply: packed: 1.
--- @include "base/prelude.lua"
local till, horizon = struct.unpack(REVOKE_TOKEN, ARGV[1])
--- @include "base/value.lua"
--- @include "base/announce.lua"
--- @include "record/record.lua"

purge()
-- Whether the token still lives was judged by the clock of the one who asks: here it is kept in any case.
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
