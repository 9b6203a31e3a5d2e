-- Changes counters of one user, all or none, if a credential is valid. One script, because the credential may be revoked
-- between the check and the change.
-- KEYS[1] to KEYS[4]: the credential. KEYS[5] and KEYS[6]: as KEYS[1] and KEYS[2] of apply.lua.
-- ARGV[1] to ARGV[5]: the credential. From ARGV[6]: as ARGV of apply.lua.
-- Reply: as of apply.lua; or one byte: APPLY_DENIED.
--- @include "base/prelude.lua"
local counters, memory, question, changes, names = KEYS[5], KEYS[6], ARGV[6], ARGV[7], 2 + CREDENTIAL_ARGUMENTS
--- @include "request/credential.lua"
--- @include "base/value.lua"
--- @include "record/record.lua"
--- @include "api_key/key.lua"
--- @include "request/credential_reasons.lua"
--- @include "counter/apply_changes.lua"

if credential_reasons() > 0 then return string.char(APPLY_DENIED) end
return apply_changes()
