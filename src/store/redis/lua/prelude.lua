local NEVER = 281474976710655
-- What is forgotten is forgotten so much later than it need be: a server whose clock is put forward by
-- mistake and back again must not have lost it.
local SLACK = 3600000
-- A field of more than 64 bytes would make the record three times as large (hash-max-listpack-value).
local HEAD, HEAD_LENGTH = '>I6I6I4I6I7I7I6I6I6I6I4', 64
local LIVE, LIVE_LENGTH = '>I1I6I7I6I6I4', 30
local QUOTA = '>I7I7I7I7I6I7'
local time = redis.call('TIME')
local now_us = time[1] * 1000000 + time[2]
local now = math.floor(now_us / 1000)
local record, queue = KEYS[1], KEYS[2]
