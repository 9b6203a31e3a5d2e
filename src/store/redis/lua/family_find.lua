-- Asks whose refresh family it is. One script, so that every question is one.
-- KEYS[1] hash: the family.
-- Reply: packed: 0, or 1 and then the user.
local user = redis.call('HGET', KEYS[1], 'u')
if not user then return struct.pack('>I1', 0) end
return struct.pack('>I1', 1) .. user
