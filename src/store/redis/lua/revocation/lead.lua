-- Records the lead of an issuer's clock over the server's clock, if it is the largest. One script, because a smaller lead must
-- not replace a larger lead.
-- KEYS[1] hash: the leads, by issuer (see lead_seen).
-- ARGV[1] LEAD. ARGV[2] issuer; empty: this app.
-- Reply: U32: the largest lead that counts (ms).
--- @include "base/prelude.lua"
--- @include "revocation/lead_seen.lua"
local lead = struct.unpack(LEAD, ARGV[1])
local period, latest, before = lead_seen(KEYS[1], ARGV[2])
if lead > latest then
  latest = lead
  redis.call('HSET', KEYS[1], 'i' .. ARGV[2], struct.pack(SEEN, period, latest, before))
  redis.call('PEXPIREAT', KEYS[1], string.format('%.0f', now + 2 * DAY + SLACK))
end
return struct.pack(U32, math.max(latest, before))
