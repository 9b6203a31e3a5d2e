-- Releases a turn, a reservation or a place in the queue, and hands the turn on. One script, because no other ticket may come
-- between the end of one turn and the next.
-- KEYS[1] to KEYS[3]: as of ask.lua. ARGV[1] ticket. ARGV[2] the prefix of channel names.
-- Reply: U32: 1 if the ticket held the turn, else 0.
--- @include "base/prelude.lua"
local turn, line, waiters, ticket, channels = KEYS[1], KEYS[2], KEYS[3], ARGV[1], ARGV[2]
--- @include "turn/turn.lua"

-- The common case: nobody waits.
if waiting == 0 then
  if kind == NOBODY or who ~= ticket then return struct.pack(U32, 0) end
  kind = NOBODY
  redis.call('SET', turn, turn_packed(), 'KEEPTTL')
  return struct.pack(U32, 1)
end
--- @include "base/value.lua"
--- @include "turn/line.lua"

local held = turn_leave()
turn_save()
return struct.pack(U32, held and 1 or 0)
