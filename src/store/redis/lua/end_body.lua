
if purge() and all == 1 then
  save()
  return again()
end
local count = 0
if all == 1 then
  count = end_all(ARGV[2])
else
  local value = find_session(ARGV[2])
  if value then
    local _, created, last_us, _, absolute_end = struct.unpack(LIVE, value)
    bury(ARGV[2], math.max(now, math.floor(last_us / 1000)), created, absolute_end, 0)
    count = 1
  end
end
save()
if count > 0 then announce(record) end
return struct.pack('>I4', count)
