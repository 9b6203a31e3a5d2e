-- Adds units to a balance outside a user's record. One script, because two concurrent additions must both count.
-- KEYS[1] string: the quota. KEYS[2] string: the answer kept under the idempotency key, if any.
-- ARGV[1] ADD_UNITS. ARGV[2] the question, only with an idempotency key.
-- Reply: a quota reply, or one byte: OTHER_QUESTION or TOO_MANY_UNITS.
--- @include "base/prelude.lua"
--- @include "quota/quota.lua"
--- @include "quota/idempotency.lua"
local limit, units = struct.unpack(ADD_UNITS, ARGV[1])
local q = quota_at(redis.call('GET', KEYS[1]), limit, 0, 0)
local kept = nil
if KEYS[2] then kept = memory_recall(KEYS[2], ARGV[2]) end
if kept == false then return struct.pack(U8, OTHER_QUESTION) end
if kept then return memory_reply(kept) end
if not quota_add(q, limit, units) then return struct.pack(U8, TOO_MANY_UNITS) end
local reply = quota_reply(q, QUOTA_ALLOWED, 0)
quota_set(KEYS[1], q)
if KEYS[2] then memory_keep(KEYS[2], ARGV[2], reply) end
return reply
