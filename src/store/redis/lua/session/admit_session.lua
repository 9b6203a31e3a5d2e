-- Admits a session, evicting the least recently active where the rule says so: reason (0 admitted, 1 blocked, 2 ended,
-- 3 limit, 4 a slice was evicted and there is no room yet: again), existing, retry after (ms), number of views, and the
-- views: the session's, and the evicted ones'.
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
