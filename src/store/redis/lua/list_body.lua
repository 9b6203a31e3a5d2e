
if purge() then
  save()
  return again()
end
save()
local batch = redis.call('ZREVRANGEBYSCORE', queue, math.min(from_us - ACTIVITY, -1), '-inf', 'WITHSCORES', 'LIMIT', skip, PAGE)
local views, next_us, next_skip = {}, 0, 0
for i = 1, #batch, 2 do
  local field, at_us = 's' .. string.sub(batch[i], 2), tonumber(batch[i + 1]) + ACTIVITY
  local _, created, last_us, idle, absolute_end, its_round = queued_session(field)
  local at = ends_at(last_us, idle, absolute_end)
  if its_round == round then views[#views + 1] = view(field, created, last_us, at) end
  if at_us ~= next_us then next_us, next_skip = at_us, at_us == from_us and skip or 0 end
  next_skip = next_skip + 1
end
if #batch < 2 * PAGE then next_us, next_skip = 0, 0 end
return struct.pack('>I7I4I4', next_us, next_skip, #views) .. table.concat(views)
