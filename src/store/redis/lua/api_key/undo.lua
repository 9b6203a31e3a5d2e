-- Gives back what a use was charged to an API key, because the quota that comes after it denies. One script, because other
-- uses may rest on the same charge by its idempotency key: with the last of them it is given back.
-- KEYS[1] hash: the key. KEYS[2] string: what is remembered under the idempotency key (only with one).
-- ARGV[1] packed: born (us), void (ms), units, units ever charged then. ARGV[2] receipt id. ARGV[3] owner.
-- Reply: as quota_reply: the key's quota as it stands then, asked for these units; or packed: 0 where it has none.
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
-- Of a key that was imported again meanwhile, for another owner, nothing was charged.
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
