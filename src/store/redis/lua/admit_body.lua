
local function reply(reason, existing, retry, count, views)
  save()
  return struct.pack('>I1I1I4I6I4', reason, existing, live, retry, count) .. views
end

purge()
if block > now then return reply(1, 0, block == NEVER and NEVER or block - now, 0, '') end
local value, ended = find_session(session)
if ended then return reply(2, 0, NEVER, 0, '') end
if value then
  local created, last_us, at = touch_session(session, value)
  return reply(0, 1, NEVER, 1, view(session, created, last_us, at))
end
if not has_room(limit, evict) then
  local first = NEVER
  if limit > 0 then
    for _, other in ipairs(sessions()) do
      local at = ends_at(other[3], other[4], other[5])
      if at < first then first = at end
    end
  end
  return reply(3, 0, first == NEVER and NEVER or first - now, 0, '')
end
local evicted, count = evict_for_one(limit)
if count > 0 then announce(record) end
add_session(session, idle, absolute)
if device ~= '' then redis.call('HSET', record, 'v' .. string.sub(session, 2), device) end
return reply(0, 0, NEVER, count + 1,
  view(session, now, now_us, ends_at(now_us, idle, now + absolute)) .. evicted)
