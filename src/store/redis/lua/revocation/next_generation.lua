-- Draws the generation of a token about to be issued. One script, because no two may be the same.
-- KEYS[1] hash: the user's record. KEYS[2] sorted set: its queue.
-- ARGV[1] packed: horizon (ms).
-- Reply: packed: the generation (microseconds).
--- @include "base/prelude.lua"
local horizon = struct.unpack(HORIZON, ARGV[1])
--- @include "base/value.lua"
--- @include "record/record.lua"

purge()
last_gen = last_gen + 1
if now_us > last_gen then last_gen = now_us end
dirty = true
save()
return struct.pack(U56, last_gen)
