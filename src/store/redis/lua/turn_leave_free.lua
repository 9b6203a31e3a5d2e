
-- The common case: nobody waits.
if waiting == 0 then
  if kind == NOBODY or who ~= ticket then return struct.pack('>I4', 0) end
  kind = NOBODY
  redis.call('SET', turn, turn_packed(), 'KEEPTTL')
  return struct.pack('>I4', 1)
end
