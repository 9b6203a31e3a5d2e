-- Refunds a charge, once. One script, because only one of two concurrent callers may refund it.
-- KEYS[1] string or hash: the quota, or the hash that holds it. KEYS[2] string: exists if the receipt is spent. KEYS[3] string:
--   the answer kept under the idempotency key of the charge, if any.
-- ARGV[1] REFUND. ARGV[2] receipt id. ARGV[3] field of the hash, or empty. ARGV[4] the owner of an API key that holds the
--   balance, else empty.
-- Reply: U32: 1; or 0 if the charge was refunded before, can no longer be refunded, or other requests share it.
--- @include "base/prelude.lua"
--- @include "quota/quota.lua"
--- @include "quota/idempotency.lua"
local born, void, units, at, of_request = struct.unpack(REFUND, ARGV[1])
local field, mark = ARGV[3], '1'
local state
if field == '' then
  state = redis.call('GET', KEYS[1])
else
  local found = redis.call('HMGET', KEYS[1], field, 'o')
  -- The imported key may belong to another owner now.
  state = (ARGV[4] == '' or found[2] == ARGV[4]) and found[1]
end
local kept = KEYS[3] and redis.call('GET', KEYS[3])
local spent = redis.call('GET', KEYS[2])
if spent and spent ~= mark then error('FOREIGN value under a key of latchgate') end
if spent or not state or void <= now then return struct.pack(U32, 0) end
local q = quota_at(state, 0, 0, 0)
if q.born ~= born then return struct.pack(U32, 0) end
local uses = memory_uses(kept, ARGV[2])
if of_request == 1 and uses > 1 then
  memory_count(KEYS[3], kept, -1)
  return struct.pack(U32, 0)
end
if not quota_refund(q, units, at) then return struct.pack(U32, 0) end
redis.call('SET', KEYS[2], mark, 'PXAT', string.format('%.0f', now + DAY + SLACK))
local is_empty = q.used == 0 and q.added == 0 and q.since == 0
if field == '' then
  if is_empty then redis.call('DEL', KEYS[1]) else quota_set(KEYS[1], q) end
elseif is_empty then
  redis.call('HDEL', KEYS[1], field)
else
  redis.call('HSET', KEYS[1], field, quota_pack(q))
end
-- The key may hold the answer of a later charge by now. That answer stays.
if uses > 0 then redis.call('DEL', KEYS[3]) end
return struct.pack(U32, 1)
