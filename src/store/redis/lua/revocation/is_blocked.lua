-- Asks whether a user is blocked. One script, because the block and the time must be of one instant. Changes nothing.
-- KEYS[1] hash: the user's record. KEYS[2] sorted set: its queue.
-- ARGV[1] packed: horizon (ms).
-- Reply: packed: 1, or 0 if the user is not blocked.
--- @include "base/prelude.lua"
local horizon = struct.unpack(HORIZON, ARGV[1])
--- @include "base/value.lua"
--- @include "record/record.lua"

return struct.pack(U32, block > now and 1 or 0)
