-- The library of answers kept under idempotency keys (REMEMBERED in layout.rs). The last request that uses a charge refunds it.

-- Returns the kept answer; nil if there is none; false if another question was asked under the key.
local function memory_recall(key, question)
  local kept = redis.call('GET', key)
  if not kept then return nil end
  if #kept ~= REMEMBERED_BORN_AT - 1 and #kept ~= REMEMBERED_LENGTH then error('FOREIGN value under a key of latchgate') end
  if struct.unpack(U48, kept, REMEMBERED_UNTIL_AT) <= now then return nil end
  if string.sub(kept, 1, REMEMBERED_UNTIL_AT - 1) ~= question then return false end
  return kept
end

local function memory_keep(key, question, reply)
  local uses = #reply > QUOTA_REPLY_LENGTH and struct.pack(U48, 1) or ''
  redis.call('SET', key, question .. struct.pack(U48, now + DAY) .. reply .. uses, 'PXAT',
    string.format('%.0f', now + DAY + SLACK))
end

-- Changes the number of requests that use a kept answer, by 1 or -1.
local function memory_count(key, kept, more)
  if #kept ~= REMEMBERED_LENGTH then return end
  redis.call('SETRANGE', key, REMEMBERED_USES_AT - 1, struct.pack(U48, struct.unpack(U48, kept, REMEMBERED_USES_AT) + more))
end

-- Returns how many requests use the charge with this receipt; 0 if its answer is not kept.
local function memory_uses(kept, id)
  if not kept or #kept ~= REMEMBERED_LENGTH or string.sub(kept, REMEMBERED_ID_AT, REMEMBERED_AT_AT - 1) ~= id then return 0 end
  return (struct.unpack(U48, kept, REMEMBERED_USES_AT))
end

local function memory_reply(kept)
  local flags, limit, remaining, reset = struct.unpack(REMEMBERED_REPLY, kept, REMEMBERED_FLAGS_AT)
  local left = reset > 0 and math.max(reset - now, 0) or 0
  return struct.pack(QUOTA_REPLY, flags + QUOTA_REPLAYED, limit, remaining, reset, left, NEVER) .. string.sub(kept, REMEMBERED_BORN_AT, REMEMBERED_USES_AT - 1)
end
