-- Uses a refresh token. One script, because of those who use the same one all must be told the same successor, and one that is
-- used too late must end its session before anybody is let in by another.
-- KEYS[1] to KEYS[4] as of login.lua.
-- ARGV[1] packed: horizon, grace window (ms), branch and number of what is presented. ARGV[2] its SHA-256. ARGV[3] user and ARGV[4] key of
--   the family, as the process knows them. ARGV[5] SHA-256 of what is to follow, with the next number. ARGV[6] the same, sealed.
-- Reply: packed: 0 invalid, 1 expired, 2 revoked; 3 reused, and the session that was ended; 4 granted, generation (us), when
--   the refresh token expires (ms), session, claims and scopes, each behind its length, how many were sealed before, and
--   each behind its length; 5 the family is not known under that user and key.
local horizon, grace, branch, number = struct.unpack('>I6I6I6I6', ARGV[1])
