-- Shows that the server takes what the other scripts do: asked for by PING, and by ready() and health().
-- One script, because it leaves nothing behind.
-- KEYS[1] hash, KEYS[2] sorted set, KEYS[3] string: of no user.
-- Reply: packed: 1.
redis.call('HSET', record, '.', now)
redis.call('HMGET', record, '.', 's')
redis.call('HGET', record, '.')
redis.call('HGETALL', record)
redis.call('HLEN', record)
redis.call('HDEL', record, 's')
redis.call('ZADD', queue, now, '.')
redis.call('ZSCORE', queue, '.')
redis.call('ZCARD', queue)
redis.call('ZRANGE', queue, 0, 0, 'WITHSCORES')
redis.call('ZRANGEBYSCORE', queue, '-inf', now, 'LIMIT', 0, 1)
redis.call('ZREM', queue, 's')
redis.call('ZREMRANGEBYSCORE', queue, '-inf', 0)
redis.call('ZREMRANGEBYRANK', queue, 0, -2)
redis.call('PERSIST', record)
redis.call('PEXPIREAT', record, string.format('%.0f', now + 1000))
redis.call('SET', KEYS[3], '', 'PXAT', string.format('%.0f', now + 1000))
redis.call('GET', KEYS[3])
redis.call('DEL', record, queue, KEYS[3])
return struct.pack('>I4', 1)
