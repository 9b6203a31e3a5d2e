-- The first lines of every script: the time of the server, and the names of its first two keys.
local time = redis.call('TIME')
local now_us = time[1] * MILLION + time[2]
local now = math.floor(now_us / THOUSAND)
local record, queue = KEYS[1], KEYS[2]
