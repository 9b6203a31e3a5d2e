-- Ends sessions that have timed out, forgets entries, and writes the head of a user's record.

local function write_head()
  redis.call('HSET', record, '.', struct.pack(HEAD, due, ttl, live, horizon_kept, last_gen,
    epoch_gen, epoch_before, epoch_until, block, ahead, round))
end

-- Returns the member and the score of the first queue entry in a range of scores.
local function first_of(from, to)
  local first = redis.call('ZRANGEBYSCORE', queue, from, to, 'WITHSCORES', 'LIMIT', 0, 1)
  return first[1], tonumber(first[2])
end

local sessions_end = '(' .. string.format('%.0f', FORGET)

-- Ends one slice of the sessions that have timed out. Returns whether there may be more.
local function time_out()
  local batch = redis.call('ZRANGEBYSCORE', queue, 0, now, 'LIMIT', 0, SLICE)
  if #batch == 0 then return false end
  local values = redis.call('HMGET', record, unpack(batch))
  for i, field in ipairs(batch) do
    local value = values[i]
    if not value or not is_session(value) then error('FOREIGN value under a key of latchgate') end
    local _, created, last_us, idle, absolute_end, its_round = struct.unpack(LIVE, value)
    local at = ends_at(last_us, idle, absolute_end)
    if its_round ~= round then
      end_stale_session(field, last_us, created, absolute_end)
    elseif at <= now then
      end_session(field, at, created, absolute_end, TIMED_OUT)
    else
      redis.call('ZADD', queue, at, field)
    end
  end
  return #batch == SLICE
end

-- Deletes one slice of the fields that are no longer needed.
local function forget()
  local batch = redis.call('ZRANGEBYSCORE', queue, FORGET, FORGET + now, 'LIMIT', 0, SLICE)
  if #batch == 0 then return end
  local values, gone = redis.call('HMGET', record, unpack(batch)), {}
  for i, field in ipairs(batch) do
    local value, kind, till = values[i], string.byte(field), 0
    if value and kind == SESSION_FIELD then
      till = field_till(value) + SLACK
    elseif value and kind == QUOTA_FIELD then
      till = struct.unpack(U48, quota_value(value), QUOTA_UNTIL_AT) + SLACK
    elseif value then
      till = struct.unpack(U48, of_length(value, U48_LENGTH)) + SLACK
    end
    if till <= now then
      gone[#gone + 1] = field
    else
      redis.call('ZADD', queue, FORGET + till, field)
    end
  end
  if #gone > 0 then
    redis.call('HDEL', record, unpack(gone))
    redis.call('ZREM', queue, unpack(gone))
  end
end

-- Ends sessions that have timed out, and deletes fields that are no longer needed. Returns true if more sessions may have timed out
-- than one run ends. `live` still counts these sessions, so a script that needs the number returns again(). The head is written
-- immediately, so that it is correct even if a later step fails.
local function purge()
  if due > now then return false end
  dirty = true
  local more = time_out()
  forget()
  local _, first = first_of(0, sessions_end)
  local _, other = first_of(FORGET, '+inf')
  due = math.min(first or NEVER, other and other - FORGET or NEVER)
  write_head()
  return more
end

-- Writes the head, and sets the expiry of both keys: SLACK after the last instant that their data needs. A second SLACK lets a
-- session in use move the expiry only once an hour. `ttl` never decreases. During a block without end neither key expires.
local function save()
  if not dirty then return end
  if math.floor(last_gen / THOUSAND) + horizon_kept + SLACK <= now then last_gen = 0 end
  if live == 0 and last_gen == 0 and epoch_until + SLACK <= now and block + SLACK <= now and ahead + SLACK <= now
    and redis.call('ZCARD', queue) == 0
  then
    redis.call('DEL', record, queue)
    return
  end
  if last_gen > 0 then outlive(math.floor(last_gen / THOUSAND) + horizon_kept) end
  outlive(epoch_until)
  outlive(ahead)
  if block < NEVER then outlive(block) end
  if wanted + SLACK > ttl then ttl = wanted + 2 * SLACK end
  write_head()
  if block == NEVER then
    redis.call('PERSIST', record)
    redis.call('PERSIST', queue)
  else
    redis.call('PEXPIREAT', record, string.format('%.0f', ttl))
    redis.call('PEXPIREAT', queue, string.format('%.0f', ttl))
  end
end
