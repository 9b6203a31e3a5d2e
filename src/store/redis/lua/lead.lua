-- Notes by how much the clock of an issuer leads the server's, where that is more than what is known. One script, because a
-- smaller lead must not replace a larger one.
-- KEYS[1] hash: issuer → period (a number of days), largest lead of that period, and of the one before it (ms).
-- ARGV[1] packed: lead (ms; 0: only asks). ARGV[2] issuer, empty for the first.
-- Reply: packed: the largest lead that counts (ms).
local SEEN, PERIOD = '>I4I4I4', 86400000
local lead, issuer = struct.unpack('>I4', ARGV[1]), 'i' .. ARGV[2]
local period, latest, before = 0, 0, 0
local kept = redis.call('HGET', KEYS[1], issuer)
if kept then
  if #kept ~= 12 then error('FOREIGN value under a key of ours') end
  period, latest, before = struct.unpack(SEEN, kept)
end
-- A clock that was set back continues the latest period.
local today = math.floor(now / PERIOD)
if today > period then
  before = today == period + 1 and latest or 0
  period, latest = today, 0
end
if lead > latest then
  latest = lead
  redis.call('HSET', KEYS[1], issuer, struct.pack(SEEN, period, latest, before))
  redis.call('PEXPIREAT', KEYS[1], string.format('%.0f', now + 2 * PERIOD + SLACK))
end
return struct.pack('>I4', math.max(latest, before))
