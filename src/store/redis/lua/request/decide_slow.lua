-- Decides a request with all checks. Returns the reply.
local function decide_slow()
  -- Reads every value that may be foreign before the first write.
  local where = balances and KEYS[3] or record
  local q = place > 0 and quota_at(redis.call('HGET', where, quota), quota_limit, window, period)
  local memory, kept = once == 1 and KEYS[#KEYS], nil
  if memory then kept = memory_recall(memory, ARGV[6]) end
  if purge() and check > 0 then
    save()
    return again()
  end
  local deny = token_reasons(token, foreign, issued)
  local value, admit = nil, false
  if check > 0 then
    local ended
    value, ended = find_session(session)
    if ended then
      deny = deny + SESSION_ENDED
    elseif not value then
      admit = true
      if check == EXPLICIT then
        deny = deny + SESSION_UNKNOWN
      elseif not has_room(limit, evict) then
        deny = deny + SESSION_LIMIT
      end
    end
  end
  if kept == false and deny == 0 and scope_ok == 1 then
    save()
    return struct.pack(U8, OTHER_QUESTION)
  end
  if q and not kept and cost > q.remaining then deny = deny + QUOTA_EXHAUSTED end
  if deny > 0 or scope_ok == 0 then
    save()
    local denied = struct.pack(DECISION, deny, q and WITH_QUOTA + QUOTA_IN_FULL or 0, 0, 0, 0, 0, 0, 0, 0, 0)
    if kept then return denied .. memory_reply(kept) end
    if q then return denied .. quota_reply(q, cost <= q.remaining and QUOTA_ALLOWED or 0, cost) end
    return denied
  end
  local flags, created, last_us, at, previous = 0, 0, 0, 0, 0
  local gone = ''
  if admit then
    local _, count, ids, is_full = make_room(limit)
    if count > 0 then announce(record) end
    if is_full then
      save()
      return again()
    end
    add_session(session, idle, absolute)
    created, last_us, at, previous, flags = now, now_us, ends_at(now_us, idle, now + absolute), now_us, WITH_SESSION + ADMITTED
    if count > 0 then
      flags, gone = WITH_SESSION + ADMITTED + WITH_EVICTED, struct.pack(U32, count) .. ids
    end
  elseif check > 0 then
    flags = WITH_SESSION
    if touch == 1 then
      created, last_us, at, previous = touch_session(session, value)
    else
      local _, kept_idle, absolute_end
      _, created, last_us, kept_idle, absolute_end = struct.unpack(LIVE, value)
      at, previous = ends_at(last_us, kept_idle, absolute_end), last_us
    end
  end
  local told = ''
  if q then
    flags = flags + WITH_QUOTA + QUOTA_IN_FULL
    if kept then
      memory_count(memory, kept, 1)
      told = memory_reply(kept)
    elseif cost == 0 then
      told = quota_reply(q, QUOTA_ALLOWED, 0)
    else
      local void = quota_take(q, cost, keep)
      told = quota_charged(q, void, ARGV[5])
      redis.call('HSET', where, quota, quota_pack(q))
      if q.till > 0 and not balances then
        schedule(quota, q.till + SLACK)
        outlive(q.till)
      end
      if memory then memory_keep(memory, ARGV[6], told) end
    end
  end
  -- Recorded, so that revokeUser() revokes this token too.
  if is_ahead and issued > ahead then
    ahead, dirty = issued, true
  end
  if is_ahead and most_lead > 0 then
    flags, gone = flags + WITH_LEAD, gone .. struct.pack(REACH, math.min(issued - now, most_lead))
  end
  save()
  return struct.pack(DECISION, 0, flags, live, created, last_us, at, previous, 0, 0, 0) .. told .. gone
end
