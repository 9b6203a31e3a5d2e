-- Returns whether a user is blocked. Changes nothing. One script, because block and time must be of one instant.
-- KEYS[1] hash: the user's record. KEYS[2] sorted set: its queue.
-- ARGV[1] HORIZON.
-- Reply: U32: 1, or 0 if the user is not blocked.
--- @include "base/prelude.lua"
local horizon = struct.unpack(HORIZON, ARGV[1])
--- @include "base/value.lua"
--- @include "record/record.lua"

return struct.pack(U32, block > now and 1 or 0)
