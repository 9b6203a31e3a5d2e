-- Lets a turn last longer. One script, because what has ended must not be revived.
-- KEYS[1] string: the turn. ARGV[1] packed: how long it lasts from now, at least (ms). ARGV[2] ticket.
-- Reply: packed: 0 held, fence, lease (ms); 5 not held by the ticket.
local turn, ticket = KEYS[1], ARGV[2]
