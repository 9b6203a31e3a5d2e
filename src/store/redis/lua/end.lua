-- Ends one session, or all but one. One script, because none may be admitted or touched in between.
-- KEYS[1] hash: the user's record. KEYS[2] sorted set: its queue.
-- ARGV[1] packed: all (0 or 1), horizon (ms). ARGV[2] session field: the one to end, or to leave.
-- Reply: packed: how many were ended. Or the status AGAIN.
local all, horizon = struct.unpack('>I1I6', ARGV[1])
