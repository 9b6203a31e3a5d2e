-- Draws the generation of a token that is about to be issued. One script, because each generation must be unique.
-- KEYS[1] hash: the user's record. KEYS[2] sorted set: its queue.
-- ARGV[1] HORIZON.
-- Reply: U56: the generation (us).
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
