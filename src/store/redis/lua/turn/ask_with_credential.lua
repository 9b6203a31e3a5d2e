-- Asks for a turn of a user, if a credential is valid. One script, because the credential may be revoked between the check and
-- the grant.
-- KEYS[1] to KEYS[4]: the credential. KEYS[5] to KEYS[7]: as KEYS[1] to KEYS[3] of ask.lua.
-- ARGV[1] to ARGV[5]: the credential. ARGV[6] to ARGV[8]: as ARGV[1] to ARGV[3] of ask.lua.
-- Reply: as of ask.lua; or U8_U8: TURN_DENIED, the reasons against the credential (see credential_reasons).
--- @include "base/prelude.lua"
local turn, line, waiters, numbers, ticket, channels = KEYS[5], KEYS[6], KEYS[7], ARGV[6], ARGV[7], ARGV[8]
--- @include "request/credential.lua"
--- @include "turn/valid_token.lua"
--- @include "turn/turn.lua"
--- @include "turn/free.lua"
--- @include "base/value.lua"
--- @include "record/record.lua"
--- @include "api_key/key.lua"
--- @include "request/credential_reasons.lua"

if not deny then deny = credential_reasons() end
--- @include "turn/line.lua"
--- @include "turn/ask_in_line.lua"

return turn_ask_in_line()
