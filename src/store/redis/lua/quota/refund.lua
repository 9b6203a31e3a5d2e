-- Gives a charge back, once. One script, because of two who ask at once only one may.
-- KEYS[1] string or hash: the quota, or where it lies. KEYS[2] string: is there where the receipt is spent.
-- KEYS[3] string: what is remembered under the charge's idempotency key (only with one).
-- ARGV[1] packed: born (us), void (ms), units, units ever charged then, of a request (others may rest on the charge).
-- ARGV[2] receipt id. ARGV[3] field of the hash, or empty. ARGV[4] of a balance that an API key holds: the key's owner, else empty.
-- Reply: packed: 1, or 0 where it was given back before or is worth nothing any more, or others rest on it.
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
  -- An imported key may have been imported again, for another owner.
  state = (ARGV[4] == '' or found[2] == ARGV[4]) and found[1]
end
local kept = KEYS[3] and redis.call('GET', KEYS[3])
local spent = redis.call('GET', KEYS[2])
if spent and spent ~= mark then error('FOREIGN value under a key of ours') end
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
-- A later charge may be remembered there by now: that one stands.
if uses > 0 then redis.call('DEL', KEYS[3]) end
return struct.pack(U32, 1)
