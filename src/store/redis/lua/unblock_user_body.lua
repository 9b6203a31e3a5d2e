
purge()
local stood = block > now
if block > 0 then
  block, dirty = 0, true
  if ttl == NEVER then
    -- Nobody was admitted while the block stood: what is left is known to the queue.
    local last = redis.call('ZRANGE', queue, -1, -1, 'WITHSCORES')
    ttl = 0
    outlive(last[2] and tonumber(last[2]) or now)
  end
end
save()
return struct.pack('>I4', stood and 1 or 0)
