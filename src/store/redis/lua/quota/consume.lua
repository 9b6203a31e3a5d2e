-- Charges a quota that lies with no user. One script, because looking and taking must not be interrupted.
-- KEYS[1] string: the quota. KEYS[2] string: what is remembered under its idempotency key (only with one).
-- ARGV[1] packed: limit, window (ms, 0: none), period (us, 0: no bucket), cost, keep (ms, 0: no end),
--   of a request (it rests on what is remembered).
-- ARGV[2] receipt id, or empty. ARGV[3] the question (only with an idempotency key).
-- Reply: as quota_reply, or packed: 255 where something else was asked under the key.
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
