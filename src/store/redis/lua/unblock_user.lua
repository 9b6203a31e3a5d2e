-- Lifts a block. One script, because the record's expiry comes back with it.
-- KEYS[1] hash: the user's record. KEYS[2] sorted set: its queue.
-- ARGV[1] packed: horizon (ms).
-- Reply: packed: 1, or 0 where no block stood.
local horizon = struct.unpack('>I6', ARGV[1])
