-- Notes by how much the clock of an issuer leads the server's, where that is more than what is known. One script, because a
-- smaller lead must not replace a larger one.
-- KEYS[1] hash: issuer → see lead_seen.
-- ARGV[1] packed: lead (ms; 0: only asks). ARGV[2] issuer, empty for the first.
-- Reply: packed: the largest lead that counts (ms).
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
