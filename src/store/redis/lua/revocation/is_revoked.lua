-- Returns the reasons against a token, except for its session. Changes nothing. One script, because the reasons must be of one
-- instant.
-- KEYS[1] hash: the user's record. KEYS[2] sorted set: its queue.
-- ARGV[1] IS_REVOKED. ARGV[2] token field.
-- Reply: U32: USER_BLOCKED, TOKEN_REVOKED, USER_REVOKED.
--- @include "base/prelude.lua"
local known, foreign, issued, horizon = struct.unpack(IS_REVOKED, ARGV[1])
--- @include "base/value.lua"
--- @include "record/record.lua"

local deny = token_reasons(ARGV[2], known == 1 and foreign or ISSUED_UNKNOWN, issued)
return struct.pack(U32, deny)
