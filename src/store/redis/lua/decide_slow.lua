
-- What may fail is read before anything is written.
local where = balances and KEYS[3] or record
local state = place > 0 and ours(redis.call('HGET', where, quota), 13)
purge()
local deny = standing(token, foreign, issued)
local value, ended, admit = nil, false, false
if check > 0 then
  value, ended = find_session(session)
  if ended then
    deny = deny + 8
  elseif not value then
    admit = true
    if check == 1 then
      deny = deny + 16
    elseif not has_room(limit, evict) then
      deny = deny + 32
    end
  end
end
local used, ends, remaining, reset = 0, 0, 0, 0
if place > 0 then
  if state then
    used, ends = struct.unpack('>I7I6', state)
    if ends > 0 and ends <= now then used, ends = 0, 0 end
  end
  remaining = quota_limit - used
  if remaining < 0 then remaining = 0 end
  if window > 0 and used > 0 then reset = ends end
  if cost > remaining then deny = deny + 64 end
end
if deny > 0 or scope_ok == 0 then
  save()
  local flags = place > 0 and 4 or 0
  return struct.pack(REPLY, deny, flags, 0, 0, 0, 0, 0, remaining, reset, reset > 0 and reset - now or 0)
end
local flags, created, last_us, at, previous = 0, 0, 0, 0, 0
if admit then
  evict_for_one(limit)
  add_session(session, idle, absolute)
  created, last_us, at, previous, flags = now, now_us, ends_at(now_us, idle, now + absolute), now_us, 3
elseif check > 0 then
  flags = 1
  if touch == 1 then
    created, last_us, at, previous = touch_session(session, value)
  else
    local _, kept_idle, absolute_end
    _, created, last_us, kept_idle, absolute_end = struct.unpack(LIVE, value)
    at, previous = ends_at(last_us, kept_idle, absolute_end), last_us
  end
end
if place > 0 then flags = flags + 4 end
if place > 0 and cost > 0 then
  if window > 0 and used == 0 then
    ends = now + window
  elseif window == 0 and keep > 0 and now + keep > ends then
    ends = now + keep
  end
  if window > 0 then reset = ends end
  used, remaining = used + cost, remaining - cost
  redis.call('HSET', where, quota, struct.pack('>I7I6', used, ends))
  if ends > 0 and not balances then
    schedule(quota, ends + SLACK)
    outlive(ends)
  end
end
if is_ahead and issued > ahead then
  ahead, dirty = issued, true
end
save()
return struct.pack(REPLY, 0, flags, live, created, last_us, at, previous, remaining, reset, reset > 0 and reset - now or 0)
