
local f = family_read()
local noted = KEYS[5] and redis.call('GET', KEYS[5])
if noted and (#noted < 56 or string.byte(noted) ~= 1) then error('FOREIGN value under a key of ours') end
-- A request and its family agree on the user and the key.
local is_noted = noted and string.sub(noted, 8, 55) == ARGV[4] .. ARGV[9]
if f and is_noted and (f.user ~= ARGV[6] or f.key ~= ARGV[9]) then error('FOREIGN value under a key of ours') end
if purge() then
  save()
  return again()
end
local known = false
if noted then
  local _, ends = struct.unpack('>I1I6', noted)
  local field = 's' .. string.sub(noted, 56)
  local value = find_session(field)
  if value then
    local _, _, _, _, absolute_end = struct.unpack(LIVE, value)
    known = absolute_end == ends
  end
  if known and block <= now and not is_noted then
    save()
    return '\2' .. string.sub(noted, 8, 55)
  end
  if known then session, device = field, '' end
end
if not known and block <= now then
  local value, ended = find_session(session)
  if given == 1 and (value or ended) then
    save()
    return '\3'
  end
  if f then
    save()
    return '\2'
  end
end
local reason, existing, retry, count, views = admit_session()
if reason == 4 then
  save()
  return again()
end
if reason > 0 then
  save()
  return '\0' .. admission(reason, existing, retry, count, views)
end
if f then
  family_cut(f, branch, ARGV[5], grace)
  f.ttl = ttl_of_token
else
  local _, _, _, _, absolute_end = struct.unpack(LIVE, redis.call('HGET', record, session))
  redis.call('DEL', family, links)
  redis.call('HSET', family, 'u', ARGV[6], 'k', ARGV[9], 's', string.sub(session, 2))
  f = { hash = ARGV[5], ends = absolute_end, ttl = ttl_of_token, issued = now, grace = 0,
    -- A request that has a session had a family: tokens of that one are replaced.
    cut = known and now + grace or 0, branch = branch, number = 1 }
end
if ARGV[7] ~= '' then redis.call('HSET', family, 'c', ARGV[7]) else redis.call('HDEL', family, 'c') end
if ARGV[8] ~= '' then redis.call('HSET', family, 'o', ARGV[8]) else redis.call('HDEL', family, 'o') end
family_write(f)
if KEYS[5] then
  redis.call('SET', KEYS[5], struct.pack('>I1I6', 1, f.ends) .. ARGV[4] .. ARGV[9] .. string.sub(session, 2),
    'PXAT', string.format('%.0f', f.ends + SLACK))
end
local generation = draw_generation()
save()
return struct.pack('>I1I7I6', 1, generation, f.expires) .. admission(reason, existing, retry, count, views)
