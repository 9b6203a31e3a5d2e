-- Lifts the block of a user. One script, because the expiry of the record changes with it.
-- KEYS[1] hash: the user's record. KEYS[2] sorted set: its queue.
-- ARGV[1] HORIZON.
-- Reply: U32: 1, or 0 if the user was not blocked.
--- @include "base/prelude.lua"
local horizon = struct.unpack(HORIZON, ARGV[1])
--- @include "base/value.lua"
--- @include "record/record.lua"

purge()
local was_blocked = block > now
if block > 0 then
  block, dirty = 0, true
end
save()
return struct.pack(U32, was_blocked and 1 or 0)
