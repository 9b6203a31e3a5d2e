-- Asks for a turn: takes a free turn, or joins the queue. A repeated call changes nothing.
-- One script, because no other ticket may take the turn between the check and the grant, and no waiter may be skipped.
-- KEYS[1] string: the turn. KEYS[2] sorted set: waiting tickets, by place. KEYS[3] hash: for each waiting ticket, until when it
--   waits (us); and the gates that have lapsed.
-- ARGV[1] TURN_ASK. ARGV[2] ticket. ARGV[3] the prefix of channel names.
-- Reply: GRANT, PLACE or BUSY. Or U8: TURN_NO_FENCE.
--- @include "base/prelude.lua"
local turn, line, waiters, numbers, ticket, channels = KEYS[1], KEYS[2], KEYS[3], ARGV[1], ARGV[2], ARGV[3]
local deny = 0
--- @include "turn/turn.lua"
--- @include "turn/free.lua"
--- @include "base/value.lua"
--- @include "turn/line.lua"
--- @include "turn/ask_in_line.lua"

return turn_ask_in_line()
