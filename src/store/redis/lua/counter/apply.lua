-- Changes counters of one user, all of them or none. One script, because nothing may change between the bounds and
-- the change, nor between what is remembered and the act.
-- KEYS[1] hash: the user's counters. KEYS[2] string: the answer that is remembered (only where it is to be): a
--   byte 1, 16 bytes that stand for the question, until when (ms), and the values, 8 bytes each.
-- ARGV[1] what stands for the question. ARGV[2] packed, for each change: delta, least, most. ARGV[3 and on] the names.
-- Reply: packed: 0 not applied, 1 applied, 2 applied before, 3 another question; for the first three the values.
--- @include "base/prelude.lua"
local counters, memory, question, changes, names = KEYS[1], KEYS[2], ARGV[1], ARGV[2], 2
--- @include "counter/apply_changes.lua"

return apply_changes()
