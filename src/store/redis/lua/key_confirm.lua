-- Keeps the name of a key that was imported. One script, because it may have lapsed.
-- KEYS[1] string: the pointer. ARGV[1] id and owner.
-- Reply: packed: 1 where it is theirs, else 0.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return struct.pack('>I4', 0) end
redis.call('PERSIST', KEYS[1])
return struct.pack('>I4', 1)
