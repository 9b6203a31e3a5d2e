local NEVER = 281474976710655
local HEAD = '>I6I6I4I6I7I7I6I6I6I6'
local LIVE = '>I1I6I7I6I6'
local QUOTA = '>I7I7I7I7I6'
local time = redis.call('TIME')
local now_us = time[1] * 1000000 + time[2]
local now = math.floor(now_us / 1000)
local record, queue = KEYS[1], KEYS[2]
