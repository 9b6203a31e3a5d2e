-- What is kept of the lead of an issuer's clock, as of now: period (a number of days), largest lead of it, and of the period
-- before (ms). A clock that was set back continues the latest period.
local function lead_seen(key, issuer)
  local period, latest, before = 0, 0, 0
  local kept = redis.call('HGET', key, 'i' .. issuer)
  if kept then
    if #kept ~= SEEN_LENGTH then error('FOREIGN value under a key of ours') end
    period, latest, before = struct.unpack(SEEN, kept)
  end
  local today = math.floor(now / DAY)
  if today > period then return today, 0, today == period + 1 and latest or 0 end
  return period, latest, before
end
