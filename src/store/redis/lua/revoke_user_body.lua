
local ring = with_keys == 1 and ours(redis.call('HGET', KEYS[3], '.'), 24)
if purge() then
  save()
  return again()
end
local lead
if ARGV[2] == '' then
  local _, latest, before = lead_seen(KEYS[#KEYS], ARGV[3])
  lead = math.max(latest, before)
else
  lead = struct.unpack('>I6', ARGV[2])
end
local count = revoke_all(lead)
if blocking == 1 then block = math.max(block, till) end
save()
if ring then
  local last = math.max(now_us, (struct.unpack('>I7', ring)))
  redis.call('HSET', KEYS[3], '.', struct.pack('>I7I7', last, last) .. string.sub(ring, 15))
end
announce(record)
return struct.pack('>I4', count)
