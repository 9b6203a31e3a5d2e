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
--- @include "base/prelude.lua"
--- @include "base/value.lua"
--- @include "base/announce.lua"
--- @include "quota/quota.lua"
--- @include "quota/idempotency.lua"
--- @include "api_key/key.lua"
--- @include "api_key/view.lua"
--- @include "request/arguments.lua"
local without_token, own_cost, own_once = struct.unpack(KEY_USE, ARGV[7])
--- @include "api_key/judge.lua"
--- @include "record/record.lua"
--- @include "request/decide_slow.lua"

-- What stands against the key denies the rest as well, and so does another question under an idempotency key, where nothing
-- else denies: then it changes nothing.
local has_scope = scope_ok
if bits > 0 or own_kept == false then scope_ok = 0 end
local rest = decide_slow()
if type(rest) == 'table' then return rest end
local denied = string.byte(rest)
if #rest == 1 then return rest end
if own_kept == false and bits == 0 and has_scope == 1 and (denied == 0 or denied == QUOTA_EXHAUSTED) then
  return struct.pack(U8, OTHER_QUESTION)
end
if denied > 0 or scope_ok == 0 then return key_refuse(rest) end
return key_charge(rest)
