-- Looks a refresh family up. One script, so that every question is one.
-- KEYS[1] hash: the family.
-- Reply: packed: 0; or 1, the family's key (32 bytes), and the user.
local found = redis.call('HMGET', KEYS[1], '.', 'k', 'u')
local head, key, user = ours(found[1], 42), ours(found[2], 32), found[3]
if not head then return struct.pack('>I1', 0) end
if not key or not user then error('FOREIGN value under a key of ours') end
return struct.pack('>I1', 1) .. key .. user
