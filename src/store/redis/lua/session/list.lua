-- Lists live sessions, one page, about the most recently active first. One script, because it ends sessions that have timed
-- out first.
-- KEYS[1] hash: the user's record. KEYS[2] sorted set: its queue.
-- ARGV[1] LIST.
-- Reply: SESSIONS; then the views. Or the status AGAIN.
--- @include "base/prelude.lua"
local horizon, from_us, skip = struct.unpack(LIST, ARGV[1])
--- @include "base/value.lua"
--- @include "record/record.lua"

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
return struct.pack(SESSIONS, next_us, next_skip, #views) .. table.concat(views)
