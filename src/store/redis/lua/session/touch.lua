-- Marks a live session as active now. One script, because it must not revive an ended session.
-- KEYS[1] hash: the user's record. KEYS[2] sorted set: its queue.
-- ARGV[1] HORIZON. ARGV[2] session field.
-- Reply: U32: number of views, 0 or 1; then the view.
--- @include "base/prelude.lua"
local horizon = struct.unpack(HORIZON, ARGV[1])
--- @include "base/value.lua"
--- @include "record/record.lua"

purge()
local value = find_session(ARGV[2])
if not value then
  save()
  return struct.pack(U32, 0)
end
local created, last_us, at = touch_session(ARGV[2], value)
save()
return struct.pack(U32, 1) .. view(ARGV[2], created, last_us, at)
