
if kind ~= HELD or who ~= ticket then return struct.pack('>I1', 5) end
till = math.max(till, now_us + struct.unpack('>I6', ARGV[1]) * 1000)
redis.call('SET', turn, turn_packed(), 'PX', DAY)
return struct.pack('>I1I7I6', 0, fence, math.floor((till - now_us) / 1000))
