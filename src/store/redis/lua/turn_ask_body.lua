
if deny > 0 then
  turn_leave()
  if state then turn_save() end
  return struct.pack('>I1I1', 3, deny)
end
if kind == HELD and who == ticket then
  return struct.pack('>I1I7I6', 0, fence, math.floor((till - now_us) / 1000))
end
if next_fence >= FENCES_END then return struct.pack('>I1', 4) end

-- Nobody else's yet: another who waits ahead comes before.
if has_lapsed then redis.call('HDEL', waiters, gate) end
if kind == NOBODY then
  local ahead = place
  if not ahead then
    ahead = mode == 2 and redis.call('ZCOUNT', line, '-inf', '(0') or redis.call('ZCARD', line)
  end
  turn_hand_on(ahead)
end
local is_free = kind == NOBODY or (kind == RESERVED and who == ticket)
if is_free then
  if place then turn_drop(ticket) end
  waiting = redis.call('EXISTS', line)
  if waiting == 0 then redis.call('DEL', waiters) end
  return turn_grant()
end
local left = math.ceil((till - now_us) / 1000) + 10
if mode == 1 and not place then
  turn_save()
  return struct.pack('>I1I6', 2, left)
end
if not place then
  -- Those who asked to be before all have places below 0.
  local last
  if mode == 2 then
    last = redis.call('ZREVRANGEBYSCORE', line, '(0', '-inf', 'WITHSCORES', 'LIMIT', 0, 1)[2] or -FENCES_END
  else
    last = redis.call('ZREVRANGEBYSCORE', line, '+inf', 0, 'WITHSCORES', 'LIMIT', 0, 1)[2] or 0
  end
  redis.call('ZADD', line, last + 1, ticket)
end
redis.call('HSET', waiters, ticket, struct.pack('>I7', now_us + stay * 1000))
for _, key in ipairs({ line, waiters }) do
  -- A minute longer than the longest of them waits.
  if redis.call('PTTL', key) < stay + 60000 then redis.call('PEXPIREAT', key, now + stay + 60000) end
end
local ahead = redis.call('ZRANK', line, ticket)
turn_save()
return struct.pack('>I1I6I6', 1, ahead, left + 50 * math.min(ahead, 20))
