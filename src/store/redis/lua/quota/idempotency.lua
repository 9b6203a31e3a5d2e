-- What is remembered under an idempotency key: the question, until when, then the reply; and of what may still be given
-- back how many rest on it: it is given back with the last of them. nil where nothing is, false where something else was asked.
local function memory_recall(key, question)
  local kept = redis.call('GET', key)
  if not kept then return nil end
  if #kept ~= REMEMBERED_BORN_AT - 1 and #kept ~= REMEMBERED_LENGTH then error('FOREIGN value under a key of ours') end
  if struct.unpack(U48, kept, REMEMBERED_UNTIL_AT) <= now then return nil end
  if string.sub(kept, 1, REMEMBERED_UNTIL_AT - 1) ~= question then return false end
  return kept
end

local function memory_keep(key, question, reply)
  local uses = #reply > QUOTA_REPLY_LENGTH and struct.pack(U48, 1) or ''
  redis.call('SET', key, question .. struct.pack(U48, now + DAY) .. reply .. uses, 'PXAT',
    string.format('%.0f', now + DAY + SLACK))
end

-- One more rests on what is remembered, or one less.
local function memory_count(key, kept, more)
  if #kept ~= REMEMBERED_LENGTH then return end
  redis.call('SETRANGE', key, REMEMBERED_USES_AT - 1, struct.pack(U48, struct.unpack(U48, kept, REMEMBERED_USES_AT) + more))
end

-- How many rest on the charge with this receipt; 0 where it is not remembered.
local function memory_uses(kept, id)
  if not kept or #kept ~= REMEMBERED_LENGTH or string.sub(kept, REMEMBERED_ID_AT, REMEMBERED_AT_AT - 1) ~= id then return 0 end
  return (struct.unpack(U48, kept, REMEMBERED_USES_AT))
end

local function memory_reply(kept)
  local flags, limit, remaining, reset = struct.unpack(REMEMBERED_REPLY, kept, REMEMBERED_FLAGS_AT)
  local left = reset > 0 and math.max(reset - now, 0) or 0
  return struct.pack(QUOTA_REPLY, flags + QUOTA_REPLAYED, limit, remaining, reset, left, NEVER) .. string.sub(kept, REMEMBERED_BORN_AT, REMEMBERED_USES_AT - 1)
end
