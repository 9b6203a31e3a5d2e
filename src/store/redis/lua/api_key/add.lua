-- Adds units to the balance of an API key. One script, because no change may come between the check and the addition.
-- KEYS[1] hash: the key. KEYS[2] hash: the owner's index. KEYS[3] string: the answer kept under the idempotency key, if any.
-- ARGV[1] KEY_ADD. ARGV[2] owner. ARGV[3] the question, only with an idempotency key.
-- Reply: a quota reply, or one byte: OTHER_QUESTION, TOO_MANY_UNITS, UNKNOWN_KEY or NO_BALANCE.
--- @include "base/prelude.lua"
--- @include "base/value.lua"
--- @include "base/announce.lua"
--- @include "quota/quota.lua"
--- @include "quota/idempotency.lua"
--- @include "api_key/key.lua"
--- @include "api_key/view.lua"
local key = KEYS[1]
local units = struct.unpack(KEY_ADD, ARGV[1])
local _, epoch = index_read(KEYS[2])
local k = key_read(key, epoch, ARGV[2])
if not k then return struct.pack(U8, UNKNOWN_KEY) end
local limit, window = 0, 1
if k.rule then limit, window = struct.unpack(RULE, k.rule) end
if window > 0 then return struct.pack(U8, NO_BALANCE) end
local kept = nil
if KEYS[3] then kept = memory_recall(KEYS[3], ARGV[3]) end
if kept == false then return struct.pack(U8, OTHER_QUESTION) end
if kept then return memory_reply(kept) end
local q = key_quota(k)
if not quota_add(q, limit, units) then return struct.pack(U8, TOO_MANY_UNITS) end
local reply = quota_reply(q, QUOTA_ALLOWED, 0)
redis.call('HSET', key, 'u', quota_pack(q))
if KEYS[3] then memory_keep(KEYS[3], ARGV[3], reply) end
return reply
