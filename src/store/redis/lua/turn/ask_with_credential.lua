-- Asks for a user's turn, which is had only while a credential stands. One script, because it may be revoked between the
-- question and the act.
-- KEYS[1] to KEYS[4]: the credential. KEYS[5] to KEYS[7]: as KEYS[1] to [3] of ask.lua.
-- ARGV[1] to ARGV[5]: the credential. ARGV[6] to ARGV[8]: as ARGV[1] to [3] of ask.lua.
-- Reply: as of ask.lua, and 3: denied, what stands against the credential as credential_reasons says it.
--- @include "base/prelude.lua"
local turn, line, waiters, numbers, ticket, channels = KEYS[5], KEYS[6], KEYS[7], ARGV[6], ARGV[7], ARGV[8]
--- @include "request/credential.lua"
--- @include "turn/stands.lua"
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
