-- Uses a refresh token. One script, because of those who use the same one all must be told the same successor, and one that is
-- used too late must end its session before anybody is let in by another.
-- KEYS[1] to KEYS[5] as of login.lua.
-- ARGV[1] packed: horizon, grace window (ms). ARGV[2] SHA-256 of what is presented. ARGV[3] SHA-256 of what is to follow it.
-- ARGV[4] the same, sealed.
-- Reply: packed: 0 invalid, 1 expired, 2 revoked; 3 reused, and the session that was ended; 4 granted, generation (us), when
--   the refresh token expires (ms), session, claims and scopes, each behind its length, how many were sealed before, and
--   each behind its length.
local horizon, grace = struct.unpack('>I6I6', ARGV[1])
