-- Lets a turn last longer. One script, because what has ended must not be revived.
-- KEYS[1] string: the turn. ARGV[1] packed: how long it lasts from now, at least (ms). ARGV[2] ticket.
-- Reply: packed: 0 held, fence, lease (ms); 5 not held by the ticket.
--- @include "base/prelude.lua"
local turn, ticket = KEYS[1], ARGV[2]
--- @include "turn/turn.lua"

if kind ~= HELD or who ~= ticket then return struct.pack(U8, TURN_LOST) end
till = math.max(till, now_us + struct.unpack(DURATION, ARGV[1]) * THOUSAND)
redis.call('SET', turn, turn_packed(), 'PX', DAY)
return struct.pack(GRANT, TURN_GRANTED, fence, math.floor((till - now_us) / THOUSAND))
