-- Remembers a token as revoked. One script, because revoking again must never shorten.
-- KEYS[1] hash: the user's record. KEYS[2] sorted set: its queue.
-- ARGV[1] packed: until, horizon (ms). ARGV[2] token field.
-- Reply: packed: 1.
local till, horizon = struct.unpack('>I6I6', ARGV[1])
