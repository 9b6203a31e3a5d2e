-- Gives back what a use was charged to an API key, because the quota that comes after it denies. One script, because other
-- uses may rest on the same charge by its idempotency key: with the last of them it is given back.
-- KEYS[1] hash: the key. KEYS[2] string: what is remembered under the idempotency key (only with one).
-- ARGV[1] packed: born (us), void (ms), units. ARGV[2] receipt id.
-- Reply: as quota_reply: the key's quota as it stands then, asked for these units; or packed: 0 where it has none.
local key, memory = KEYS[1], KEYS[2]
local born, void, units = struct.unpack('>I7I6I7', ARGV[1])
local found = redis.call('HMGET', key, 'q', 'u')
local k = { rule = ours(found[1], 20), state = found[2] }
local q = k.state and quota_at(k.state, 0, 0, 0)
local resting = 1
if memory then
  local kept = redis.call('GET', memory)
  local is_same = kept and #kept == 90 and string.sub(kept, 69, 84) == ARGV[2]
  resting = is_same and struct.unpack('>I6', kept, 85) or 0
end
if resting > 1 then
  redis.call('SETRANGE', memory, 84, struct.pack('>I6', resting - 1))
elseif resting == 1 and q and q.born == born and void > now then
  if memory then redis.call('DEL', memory) end
  -- Of a bucket some may have come back by themselves.
  q.used = math.max(q.used - units, 0)
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
