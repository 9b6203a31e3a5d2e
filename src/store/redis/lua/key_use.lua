-- Decides one request with an API key, alone or beside a token of its owner: everything that `decide` looks at, and
-- whether the key stands, has the scopes, and units left; and only if nothing denies, charges both quotas.
-- One script, because all of it is one decision: nothing may change between the questions and the act.
-- KEYS[1] and KEYS[2] as in decide. KEYS[3] hash: the owner's balances. KEYS[4] hash: the key. KEYS[5] hash: the
-- owner's index. KEYS[6] string: what is remembered of the key's own quota under an idempotency key (only with one). The
-- last of KEYS, string: the same of the request's quota (only with one).
-- ARGV[1] to ARGV[6] as in decide. ARGV[7] packed: no token, units of the key's own quota, an idempotency key is given
-- for them. ARGV[8] SHA-256 of what was presented. ARGV[9] receipt id of the key's own quota, or empty. ARGV[10] its
-- question, or empty. ARGV[11] owner. ARGV[n] a scope that is demanded.
-- Reply: packed: 255 where something else was asked under an idempotency key; or the reasons (1 unknown, 2 revoked, 4
--   expired, 8 scope, 16 quota), flags (1 facts, 2 own quota); where there are facts: scopes and metadata, each behind its
--   length; where there is a quota: its rule, and as quota_reply; then as decide. Or the status AGAIN.
local REPLY = '>I1I1I4I6I7I6I7I7I6I6'
local check, scope_ok, touch, foreign, evict, issued, limit, idle, absolute, horizon, most_lead, place,
  quota_limit, window, period, cost, keep, once = struct.unpack('>I1I1I1I1I1I7I7I6I6I6I6I1I7I6I7I7I6I1', ARGV[1])
limit = limit - 1
local session, token, quota = ARGV[2], ARGV[3], ARGV[4]
local balances = place == 2
local is_ahead = foreign == 1 and issued >= (math.floor(now / 1000) + 1) * 1000
local alone, own_cost, own_once = struct.unpack('>I1I7I1', ARGV[7])
