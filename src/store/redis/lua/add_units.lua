-- Tops up a balance that lies with no user. One script, because two top-ups must both count.
-- KEYS[1] string: the quota. KEYS[2] string: what is remembered under its idempotency key (only with one).
-- ARGV[1] packed: limit, units. ARGV[2] the question (only with an idempotency key).
-- Reply: as quota_reply, or packed: 255 where something else was asked under the key, 254 where there would
--   be more units than can be counted.
local limit, units = struct.unpack('>I7I7', ARGV[1])
local q = quota_at(redis.call('GET', KEYS[1]), limit, 0, 0)
local kept = nil
if KEYS[2] then kept = memory_recall(KEYS[2], ARGV[2]) end
if kept == false then return struct.pack('>I1', 255) end
if kept then return memory_reply(kept) end
if not quota_add(q, limit, units) then return struct.pack('>I1', 254) end
local reply = quota_reply(q, 1, 0)
quota_set(KEYS[1], q)
if KEYS[2] then memory_keep(KEYS[2], ARGV[2], reply) end
return reply
