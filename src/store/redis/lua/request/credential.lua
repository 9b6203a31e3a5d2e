-- A credential that is asked for again. KEYS[1] hash: the user's record. KEYS[2] sorted set: its queue. KEYS[3] hash: the
-- API key, KEYS[4] hash: its owner's index (without a key any in the slot: they are not read).
-- ARGV[1] packed: there is a token, there is a key, the session is looked at, issued is an iat, issued (microseconds or
--   milliseconds), horizon (ms). ARGV[2] session field. ARGV[3] token field. ARGV[4] SHA-256 of the key as it was
--   presented. ARGV[5] the key's owner.
local with_token, with_key, check, foreign, issued, horizon = struct.unpack(CREDENTIAL, ARGV[1])
