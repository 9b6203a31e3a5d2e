-- Refunds the charge of a use to the quota of an API key, because the second quota of the request denied it. One script,
-- because other uses may share the charge by an idempotency key. Then the last of them refunds it.
-- KEYS[1] hash: the key. KEYS[2] string: the answer kept under the idempotency key, if any.
-- ARGV[1] UNDO. ARGV[2] receipt id. ARGV[3] owner.
-- Reply: a quota reply for these units after the refund; or U8: 0 if the key has no quota.
--- @include "base/prelude.lua"
--- @include "base/value.lua"
--- @include "base/announce.lua"
--- @include "quota/quota.lua"
--- @include "quota/idempotency.lua"
--- @include "api_key/key.lua"
--- @include "api_key/view.lua"
local key, memory = KEYS[1], KEYS[2]
local born, void, units, at = struct.unpack(UNDO, ARGV[1])
local found = redis.call('HMGET', key, 'q', 'u', 'o')
-- A key that was imported again for another owner meanwhile was not charged.
if found[3] ~= ARGV[3] then return struct.pack(U8, 0) end
local k = { rule = of_length(found[1], RULE_LENGTH), state = found[2] }
local q = k.state and quota_at(k.state, 0, 0, 0)
local kept = memory and redis.call('GET', memory)
local uses = memory and memory_uses(kept, ARGV[2]) or 1
if uses > 1 then
  memory_count(memory, kept, -1)
elseif uses == 1 and q and q.born == born and void > now then
  if memory then redis.call('DEL', memory) end
  quota_refund(q, units, at)
  if q.used == 0 and q.added == 0 and q.since == 0 then
    k.state = nil
    redis.call('HDEL', key, 'u')
  else
    k.state = quota_pack(q)
    redis.call('HSET', key, 'u', k.state)
  end
end
local own = key_quota(k)
if not own then return struct.pack(U8, 0) end
return quota_reply(own, units <= own.remaining and QUOTA_ALLOWED or 0, units)
