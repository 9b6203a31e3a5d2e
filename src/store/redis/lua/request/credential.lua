-- Reads a credential that is checked again. KEYS[1] hash: the user's record. KEYS[2] sorted set: its queue. KEYS[3] hash: the API
-- key. KEYS[4] hash: the index of its owner. Without an API key, KEYS[3] and KEYS[4] are any keys in the slot and are not read.
-- ARGV[1] CREDENTIAL. ARGV[2] session field. ARGV[3] token field. ARGV[4] SHA-256 of the presented key. ARGV[5] its owner.
local with_token, with_key, check, foreign, issued, horizon = struct.unpack(CREDENTIAL, ARGV[1])
