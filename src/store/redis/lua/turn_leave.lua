-- Gives up a turn, what is reserved, or a place in the queue, and hands on. One script, because nobody may come between
-- the end of one turn and the next.
-- KEYS[1] to KEYS[3]: as of turn_ask.lua. ARGV[1] ticket. ARGV[2] what the names of channels begin with.
-- Reply: packed: 1 where the turn was held, else 0.
local turn, line, waiters, ticket, channels = KEYS[1], KEYS[2], KEYS[3], ARGV[1], ARGV[2]
