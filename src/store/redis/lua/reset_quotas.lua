-- Forgets quotas. One script, because what is told must be what was forgotten.
-- KEYS[n] string: a quota.
-- Reply: packed: 1 where one of them held units, else 0.
local held = 0
for _, key in ipairs(KEYS) do
  local state = redis.call('GET', key)
  if state then
    if #state ~= 13 then return redis.error_reply('FOREIGN value under a key of ours') end
    local used, ends = struct.unpack('>I7I6', state)
    if used > 0 and (ends == 0 or ends > now) then held = 1 end
    redis.call('DEL', key)
  end
end
return struct.pack('>I4', held)
