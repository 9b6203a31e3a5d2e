-- Gives back what a use was charged to an API key, because the quota that comes after it denies. One script, because other
-- uses may rest on the same charge by its idempotency key: with the last of them it is given back.
-- KEYS[1] hash: the key. KEYS[2] string: what is remembered under the idempotency key (only with one).
-- ARGV[1] packed: born (us), void (ms), units, units ever charged then. ARGV[2] receipt id. ARGV[3] owner.
-- Reply: as quota_reply: the key's quota as it stands then, asked for these units; or packed: 0 where it has none.
local key, memory = KEYS[1], KEYS[2]
local born, void, units, at = struct.unpack('>I7I6I7I7', ARGV[1])
local found = redis.call('HMGET', key, 'q', 'u', 'o')
-- Of a key that was imported again meanwhile, for another owner, nothing was charged.
if found[3] ~= ARGV[3] then return struct.pack('>I1', 0) end
local k = { rule = ours(found[1], 20), state = found[2] }
local q = k.state and quota_at(k.state, 0, 0, 0)
local kept = memory and redis.call('GET', memory)
local resting = memory and memory_resting(kept, ARGV[2]) or 1
if resting > 1 then
  memory_rest(memory, kept, -1)
elseif resting == 1 and q and q.born == born and void > now then
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
if not own then return struct.pack('>I1', 0) end
return quota_reply(own, units <= own.remaining and 1 or 0, units)
