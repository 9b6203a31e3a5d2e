
purge()
-- Whether the token still lives was judged by the clock of the one who asks: here it is kept in any case.
if till < now then till = now end
local old = ours(redis.call('HGET', record, ARGV[2]), 6)
if old then
  local before = struct.unpack('>I6', old)
  if before > till then till = before end
end
redis.call('HSET', record, ARGV[2], struct.pack('>I6', till))
schedule(ARGV[2], till + SLACK)
outlive(till)
save()
announce(record)
return struct.pack('>I4', 1)
