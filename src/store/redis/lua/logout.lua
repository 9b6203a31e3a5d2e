-- Ends the session of a refresh token, the live one or a spent one. One script, because none may be touched in between.
-- KEYS[1] to KEYS[4] as of login.lua.
-- ARGV[1] packed: horizon (ms), branch and number of what is presented. ARGV[2] its SHA-256. ARGV[3] user and ARGV[4] key of the family, as
--   the process knows them.
-- Reply: packed: 1 where the session lived, else 0; 5 where the family is not known under that user and key.
local horizon, branch, number = struct.unpack('>I6I6I6', ARGV[1])
