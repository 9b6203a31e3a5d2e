-- Returns the lead of an issuer's clock as of now (SEEN in layout.rs): the period, its largest lead, and the lead of the previous
-- period. A server clock that was set back continues the latest period.
local function lead_seen(key, issuer)
  local period, latest, before = 0, 0, 0
  local kept = redis.call('HGET', key, 'i' .. issuer)
  if kept then
    if #kept ~= SEEN_LENGTH then error('FOREIGN value under a key of latchgate') end
    period, latest, before = struct.unpack(SEEN, kept)
  end
  local today = math.floor(now / DAY)
  if today > period then return today, 0, today == period + 1 and latest or 0 end
  return period, latest, before
end
