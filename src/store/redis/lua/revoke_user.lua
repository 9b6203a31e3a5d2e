-- Ends every session and every token of a user issued up to now, and blocks the user if asked to.
-- One script, because a login in between must be either ended or newer.
-- KEYS[1] hash: the user's record. KEYS[2] sorted set: its queue. KEYS[3] hash: the index of the user's API keys (only
-- where they are to fall too). The last of KEYS, hash: leads of issuers (only where ARGV[2] is empty).
-- ARGV[1] packed: block (0 or 1), until (ms, 2^48 - 1: for ever), horizon (ms), API keys fall too. ARGV[2] packed: by how much
-- the clock of the user's issuer leads the server's (ms), or empty. ARGV[3] issuer (only where ARGV[2] is empty).
-- Reply: packed: how many sessions were ended. Or the status AGAIN.
local blocking, till, horizon, with_keys = struct.unpack('>I1I6I6I1', ARGV[1])
