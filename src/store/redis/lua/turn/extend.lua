-- Extends the lease of a turn. One script, because an ended lease must not be revived.
-- KEYS[1] string: the turn. ARGV[1] DURATION: the least lease from now. ARGV[2] ticket.
-- Reply: GRANT; or U8: TURN_LOST.
--- @include "base/prelude.lua"
local turn, ticket = KEYS[1], ARGV[2]
--- @include "turn/turn.lua"

if kind ~= HELD or who ~= ticket then return struct.pack(U8, TURN_LOST) end
till = math.max(till, now_us + struct.unpack(DURATION, ARGV[1]) * THOUSAND)
redis.call('SET', turn, turn_packed(), 'PX', DAY)
return struct.pack(GRANT, TURN_GRANTED, fence, math.floor((till - now_us) / THOUSAND))
