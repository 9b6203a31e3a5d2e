-- Charges a quota that lies with no user. One script, because looking and taking must not be interrupted.
-- KEYS[1] string: the quota, packed units used and end (ms, 0: none).
-- ARGV[1] packed: limit, window (ms, 0: none), cost.
-- Reply: packed: allowed, remaining, reset (ms, 0: none), the same from now.
local limit, window, cost = struct.unpack('>I7I6I7', ARGV[1])
local used, ends = 0, 0
local state = redis.call('GET', KEYS[1])
if state then
  -- A value of another length is none of ours: better no answer than a wrong one.
  if #state ~= 13 then return redis.error_reply('FOREIGN value under a key of ours') end
  used, ends = struct.unpack('>I7I6', state)
  if ends > 0 and ends <= now then used, ends = 0, 0 end
end
local remaining = limit - used
if remaining < 0 then remaining = 0 end
local reset = (window > 0 and used > 0) and ends or 0
if cost > remaining then
  return struct.pack('>I1I7I6I6', 0, remaining, reset, reset > 0 and reset - now or 0)
end
if cost > 0 then
  if window > 0 and used == 0 then ends = now + window end
  state = struct.pack('>I7I6', used + cost, ends)
  if ends > 0 then
    redis.call('SET', KEYS[1], state, 'PXAT', string.format('%.0f', ends))
    reset = ends
  else
    redis.call('SET', KEYS[1], state)
  end
end
return struct.pack('>I1I7I6I6', 1, remaining - cost, reset, reset > 0 and reset - now or 0)
