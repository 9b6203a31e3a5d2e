-- Changes counters of one user, all of them or none, while a credential stands. One script, because it may be revoked
-- between the question and the act.
-- KEYS[1] hash: the user's record. KEYS[2] sorted set: its queue. KEYS[3] and KEYS[4]: as KEYS[1] and [2] of apply.lua.
-- ARGV[1] packed: session is looked at, issued is an iat, issued (microseconds or milliseconds), horizon (ms).
-- ARGV[2] session field. ARGV[3] token field. ARGV[4] and on: as ARGV[1] and on of apply.lua.
-- Reply: as of apply.lua, and 4: the credential does not stand.
local counters, memory, question, changes, names = KEYS[3], KEYS[4], ARGV[4], ARGV[5], 5
local check, foreign, issued, horizon = struct.unpack('>I1I1I7I6', ARGV[1])
