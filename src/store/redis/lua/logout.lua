-- Ends the session of a refresh token, the live one or a spent one. One script, because none may be touched in between.
-- KEYS[1] to KEYS[5] as of login.lua.
-- ARGV[1] packed: horizon (ms). ARGV[2] SHA-256 of what is presented.
-- Reply: packed: 1 where the session lived, else 0.
local horizon = struct.unpack('>I6', ARGV[1])
