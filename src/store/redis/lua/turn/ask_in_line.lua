-- Grants the turn if it is free, else puts the ticket into the queue. Returns the reply.
local function turn_ask_in_line()
  if deny > 0 then
    turn_leave()
    if state then turn_save() end
    return struct.pack(U8_U8, TURN_DENIED, deny)
  end
  if kind == HELD and who == ticket then
    return struct.pack(GRANT, TURN_GRANTED, fence, math.floor((till - now_us) / THOUSAND))
  end
  if next_fence >= FENCES_END then return struct.pack(U8, TURN_NO_FENCE) end

  -- The turn may still go to a waiter ahead.
  if has_lapsed then redis.call('HDEL', waiters, gate) end
  if kind == NOBODY then
    local ahead = place
    if not ahead then
      ahead = mode == MODE_FRONT and redis.call('ZCOUNT', line, '-inf', '(0') or redis.call('ZCARD', line)
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
  local left = math.ceil((till - now_us) / THOUSAND) + LOOK_AGAIN
  if mode == MODE_TRY and not place then
    turn_save()
    return struct.pack(BUSY, TURN_BUSY, left)
  end
  if not place then
    -- Tickets with MODE_FRONT have places below 0.
    local last
    if mode == MODE_FRONT then
      last = redis.call('ZREVRANGEBYSCORE', line, '(0', '-inf', 'WITHSCORES', 'LIMIT', 0, 1)[2] or -FENCES_END
    else
      last = redis.call('ZREVRANGEBYSCORE', line, '+inf', 0, 'WITHSCORES', 'LIMIT', 0, 1)[2] or 0
    end
    redis.call('ZADD', line, last + 1, ticket)
  end
  redis.call('HSET', waiters, ticket, struct.pack(U56, now_us + stay * THOUSAND))
  for _, key in ipairs({ line, waiters }) do
    -- One minute longer than the longest wait.
    if redis.call('PTTL', key) < stay + MINUTE then redis.call('PEXPIREAT', key, now + stay + MINUTE) end
  end
  local ahead = redis.call('ZRANK', line, ticket)
  turn_save()
  return struct.pack(PLACE, TURN_QUEUED, ahead, left + LOOK_AGAIN_STEP * math.min(ahead, LOOK_AGAIN_STEPS))
end
