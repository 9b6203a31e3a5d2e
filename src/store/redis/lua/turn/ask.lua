-- Asks for a turn: takes it where it is free, joins the queue where it is not. Asking again changes nothing.
-- One script, because nobody may take it between the question and the act, and nobody may be passed over.
-- KEYS[1] string: the turn. KEYS[2] sorted set: tickets that wait → place. KEYS[3] hash: each of them → until when it
--   waits (us); gates that have lapsed.
-- ARGV[1] packed: mode (0 queue, 1 only where it is free, 2 before all), ttl (ms), highest fence seen, stay (ms). ARGV[2]
--   ticket. ARGV[3] what the names of channels begin with.
-- Reply: packed: 0 granted, fence, lease (ms); 1 queued, how many wait ahead, when to look again (ms from now); 2 busy, when
--   to look again; 4 no fence is left.
--- @include "base/prelude.lua"
local turn, line, waiters, numbers, ticket, channels = KEYS[1], KEYS[2], KEYS[3], ARGV[1], ARGV[2], ARGV[3]
local deny = 0
--- @include "turn/turn.lua"
--- @include "turn/free.lua"
--- @include "base/value.lua"
--- @include "turn/line.lua"
--- @include "turn/ask_in_line.lua"

return turn_ask_in_line()
