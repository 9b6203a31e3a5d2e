-- Lists the live sessions. One script, because those that have timed out are ended first.
-- KEYS[1] hash: the user's record. KEYS[2] sorted set: its queue.
-- ARGV[1] packed: horizon (ms).
-- Reply: packed: number of views; then the views, in no order.
local horizon = struct.unpack('>I6', ARGV[1])
