-- Decides one request with an API key, alone or with a token of its owner. Checks what `decide` checks, and that the key is
-- valid, has the scopes and has units left. Charges both quotas only if nothing denies.
-- One script, because it is one decision: nothing may change between the checks and the charges.
-- KEYS[1] and KEYS[2] as in decide. KEYS[3] hash: the owner's balances. KEYS[4] hash: the key. KEYS[5] hash: the owner's
--   index. KEYS[6] string: the answer kept for the key's own quota under an idempotency key, if any. The last of KEYS, string:
--   the answer kept for the request's quota, if any.
-- ARGV[1] to ARGV[6] as in decide. ARGV[7] KEY_USE. ARGV[8] SHA-256 of the presented key. ARGV[9] receipt id of the key's own
--   quota, or empty. ARGV[10] its question, or empty. ARGV[11] owner. From ARGV[12]: the scopes that the request needs.
-- Reply: U8: OTHER_QUESTION. Or U8_U8: reasons of the key, flags. With KEY_FACTS: scopes and metadata, each with its length.
--   With KEY_QUOTA: RULE and a quota reply. Then the reply of decide. Or the status AGAIN.
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

-- A reason against the key denies the rest too. So does another question under an idempotency key if nothing else denies. In both
-- cases the rest changes nothing.
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
