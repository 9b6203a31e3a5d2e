-- Admits a session, and evicts the least recently active session if the rule says so. Returns the reason (ADMISSION_OK to
-- ADMISSION_AGAIN), whether the session existed, retry after (ms), the number of views, and the views.
local function admit_session()
  if block > now then return ADMISSION_BLOCKED, 0, block == NEVER and NEVER or block - now, 0, '' end
  local value, ended = find_session(session)
  if ended then return ADMISSION_ENDED, 0, NEVER, 0, '' end
  if value then
    local created, last_us, at = touch_session(session, value)
    return ADMISSION_OK, 1, NEVER, 1, view(session, created, last_us, at)
  end
  if not has_room(limit, evict) then
    local first = limit > 0 and first_end() or NEVER
    return ADMISSION_LIMIT, 0, first == NEVER and NEVER or first - now, 0, ''
  end
  local evicted, count, _, is_full = make_room(limit)
  if count > 0 then announce(record) end
  if is_full then return ADMISSION_AGAIN end
  add_session(session, idle, absolute)
  if device ~= '' then redis.call('HSET', record, 'v' .. string.sub(session, 2), device) end
  return ADMISSION_OK, 0, NEVER, count + 1, view(session, now, now_us, ends_at(now_us, idle, now + absolute)) .. evicted
end

local function admission(reason, existing, retry, count, views)
  return struct.pack(ADMISSION, reason, existing, live, retry, count) .. views
end
