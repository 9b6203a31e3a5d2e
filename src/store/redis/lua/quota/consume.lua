-- Charges a quota outside a user's record. One script, because no change may come between the check and the charge.
-- KEYS[1] string: the quota. KEYS[2] string: the answer kept under the idempotency key, if any.
-- ARGV[1] CONSUME. ARGV[2] receipt id, or empty. ARGV[3] the question, only with an idempotency key.
-- Reply: a quota reply, or one byte: OTHER_QUESTION.
--- @include "base/prelude.lua"
--- @include "quota/quota.lua"
--- @include "quota/idempotency.lua"
local limit, window, period, cost, keep, of_request = struct.unpack(CONSUME, ARGV[1])
local q = quota_at(redis.call('GET', KEYS[1]), limit, window, period)
local kept = nil
if KEYS[2] then kept = memory_recall(KEYS[2], ARGV[3]) end
if kept == false then return struct.pack(U8, OTHER_QUESTION) end
if kept then
  if of_request == 1 then memory_count(KEYS[2], kept, 1) end
  return memory_reply(kept)
end
if cost > q.remaining then return quota_reply(q, 0, cost) end
if cost == 0 then return quota_reply(q, QUOTA_ALLOWED, 0) end
local void = quota_take(q, cost, keep)
local reply = quota_charged(q, void, ARGV[2])
quota_set(KEYS[1], q)
if KEYS[2] then memory_keep(KEYS[2], ARGV[3], reply) end
return reply
