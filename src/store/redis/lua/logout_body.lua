
local f = family_read()
local presented = family_presented(f, branch, number, ARGV[2], ARGV[3], ARGV[4])
if presented == 0 or presented == 5 then return struct.pack('>I1', presented) end
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
return struct.pack('>I1', count)
