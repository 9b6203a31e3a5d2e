-- Lists the live sessions, a slice of them: about the most recently active first. One script, because those that have
-- timed out are ended first.
-- KEYS[1] hash: the user's record. KEYS[2] sorted set: its queue.
-- ARGV[1] packed: horizon (ms), where to begin: last active (us) and how many entries of that instant to leave out.
-- Reply: packed: where to go on (0: nowhere), as in ARGV[1], number of views; then the views. Or the status AGAIN.
local horizon, from_us, skip = struct.unpack('>I6I7I4', ARGV[1])
