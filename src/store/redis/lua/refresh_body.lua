
local f = family_read()
local presented = family_presented(f, branch, number, ARGV[2], ARGV[3], ARGV[4])
if presented == 0 or presented == 5 then return struct.pack('>I1', presented) end
if block > now then return '\2' end
if f.ends <= now then return '\1' end
purge()
local function refuse(answer)
  save()
  return answer
end
local session = 's' .. f.session
local value, ended = find_session(session)
if not value then return refuse(ended == 2 and '\1' or '\2') end
local _, created, last_us, _, absolute_end = struct.unpack(LIVE, value)
if absolute_end ~= f.ends then return refuse('\2') end
local told = struct.pack('>I4', 0)
if presented == 2 then
  if f.expires <= now then return refuse('\1') end
  family_rotate(f, ARGV[5], ARGV[6], grace)
  family_write(f)
else
  told = family_followed(f, branch, number, ARGV[2])
  if told == false then return refuse('\0') end
  if told and f.expires <= now then return refuse('\1') end
  if not told then
    redis.call('DEL', links)
    bury(session, math.max(now, math.floor(last_us / 1000)), created, absolute_end, 0)
    announce(record)
    return refuse('\3' .. f.session)
  end
end
touch_session(session, value)
local generation = draw_generation()
save()
return struct.pack('>I1I7I6', 4, generation, f.expires) .. struct.pack('>I2', #f.session) .. f.session
  .. struct.pack('>I4', #f.claims) .. f.claims .. struct.pack('>I4', #f.scope) .. f.scope .. told
