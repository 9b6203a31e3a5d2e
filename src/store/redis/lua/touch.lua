-- Marks a live session as active now. One script, because an ended one must not come back by it.
-- KEYS[1] hash: the user's record. KEYS[2] sorted set: its queue.
-- ARGV[1] packed: horizon (ms). ARGV[2] session field.
-- Reply: packed: number of views (0 or 1); then the view.
local horizon = struct.unpack('>I6', ARGV[1])
