-- Takes the name of a key that is about to be imported, for a minute. One script, because of two who import one key
-- only one may.
-- KEYS[1] string: the pointer.
-- ARGV[1] id and owner. ARGV[2] the same of a holder whose key is kept no longer, or empty.
-- Reply: packed: 0 where it was taken; 1 and who holds it; or 2 where another import is under way, of which nobody may
--   conclude that its key is gone: it may be to come.
local held = redis.call('GET', KEYS[1])
if held then
  if redis.call('PTTL', KEYS[1]) ~= -1 then return struct.pack('>I1', 2) end
  if held ~= ARGV[2] then return struct.pack('>I1', 1) .. held end
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', 60000)
return struct.pack('>I1', 0)
