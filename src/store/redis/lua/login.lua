-- Admits a session and begins its refresh family, or lets another token follow in the family of a request that has a live
-- session. One script, because a session without a family, or a second one for a request, would be a slot that nobody frees.
-- KEYS[1] hash: the user's record. KEYS[2] sorted set: its queue. KEYS[3] hash: the family. KEYS[4] hash: what followed its
-- spent tokens. KEYS[5] string: what is known of the request (only with one).
-- ARGV[1] packed: limit + 1 (0: none), evict, idle timeout, absolute timeout, horizon (ms), the session's id was chosen by the
--   caller, life of a refresh token, grace window (ms), branch of the refresh token.
-- ARGV[2] session field. ARGV[3] device data, a JSON object, or empty. ARGV[4] family. ARGV[5] SHA-256 of the refresh token.
-- ARGV[6] user. ARGV[7] claims, a JSON object, or empty. ARGV[8] scopes, or empty. ARGV[9] the family's key.
-- Reply: packed: 0 refused, then as of admit.lua; 1 admitted, generation (us), when the refresh token expires (ms), then as of
--   admit.lua; 2 nothing was done, and the family that the request has, and its key, to be asked for with both, or
--   nothing where the one named is another's; 3 the session is known. Or the status AGAIN.
local limit, evict, idle, absolute, horizon, given, ttl_of_token, grace, branch = struct.unpack('>I7I1I6I6I6I1I6I6I6', ARGV[1])
limit = limit - 1
local session, device = ARGV[2], ARGV[3]
