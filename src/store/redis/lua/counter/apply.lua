-- Changes counters of one user, all or none. One script, because nothing may change between the check of the bounds and the
-- change, nor between the kept answer and the change.
-- KEYS[1] hash: the user's counters. KEYS[2] string: the answer kept under the idempotency key, if any (COUNTERS_MEMORY).
-- ARGV[1] the question, 16 bytes. ARGV[2] a CHANGE for each counter. From ARGV[3]: the names.
-- Reply: one byte: NOT_APPLIED, APPLIED or APPLIED_BEFORE, then the values; or APPLY_OTHER_QUESTION.
--- @include "base/prelude.lua"
local counters, memory, question, changes, names = KEYS[1], KEYS[2], ARGV[1], ARGV[2], 2
--- @include "counter/apply_changes.lua"

return apply_changes()
