-- Asks what stands against a token, sessions aside: block, id, epoch. Changes nothing.
-- KEYS[1] hash: the user's record. KEYS[2] sorted set: its queue.
-- ARGV[1] packed: issued is known, is an iat, issued (microseconds or milliseconds), horizon (ms).
-- ARGV[2] token field.
-- Reply: packed: the reasons (1 blocked, 2 token, 4 epoch).
--- @include "base/prelude.lua"
local known, foreign, issued, horizon = struct.unpack(IS_REVOKED, ARGV[1])
--- @include "base/value.lua"
--- @include "record/record.lua"

local deny = token_reasons(ARGV[2], known == 1 and foreign or ISSUED_UNKNOWN, issued)
return struct.pack(U32, deny)
