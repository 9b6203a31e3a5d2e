-- Draws the generation of a token about to be issued. One script, because no two may be the same.
-- KEYS[1] hash: the user's record. KEYS[2] sorted set: its queue.
-- ARGV[1] packed: horizon (ms).
-- Reply: packed: the generation (microseconds).
local horizon = struct.unpack('>I6', ARGV[1])
