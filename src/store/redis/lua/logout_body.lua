
local f = family_read()
if not f or family_presented(f, ARGV[2]) == 0 then return struct.pack('>I4', 0) end
purge()
local session, count = 's' .. f.session, 0
local value = find_session(session)
if value then
  local _, created, last_us, _, absolute_end = struct.unpack(LIVE, value)
  if absolute_end == f.ends then
    bury(session, math.max(now, math.floor(last_us / 1000)), created, absolute_end, 0)
    count = 1
    announce(record)
  end
end
save()
return struct.pack('>I4', count)
