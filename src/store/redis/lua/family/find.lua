-- Looks up a refresh family. One script, so that every question to a store is one script.
-- KEYS[1] hash: the family.
-- Reply: U8: 0; or 1, then the family's key (32 bytes) and the user.
--- @include "base/prelude.lua"
--- @include "base/value.lua"
local found = redis.call('HMGET', KEYS[1], '.', 'k', 'u')
local head, key, user = of_length(found[1], FAMILY_LENGTH), of_length(found[2], DIGEST_LENGTH), found[3]
if not head then return struct.pack(U8, 0) end
if not key or not user then error('FOREIGN value under a key of latchgate') end
return struct.pack(U8, 1) .. key .. user
