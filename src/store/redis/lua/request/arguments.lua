-- Reads the arguments of a decision (DECIDE in layout.rs).
local check, scope_ok, touch, foreign, evict, issued, limit, idle, absolute, horizon, most_lead, place,
  quota_limit, window, period, cost, keep, once = struct.unpack(DECIDE, ARGV[1])
limit = limit - 1
local session, token, quota = ARGV[2], ARGV[3], ARGV[4]
local balances = place == QUOTA_IN_BALANCES
-- Whether the clock of the issuer is ahead of the server's clock. Such a token is recorded, so that revokeUser() revokes it too.
local is_ahead = foreign == ISSUED_FOREIGN and issued >= (math.floor(now / THOUSAND) + 1) * THOUSAND
