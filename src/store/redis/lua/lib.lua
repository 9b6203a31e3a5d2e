local due, ttl, live, horizon_kept, last_gen, epoch_gen, epoch_before, epoch_until, block, ahead =
  NEVER, 0, 0, 0, 0, 0, 0, 0, 0, 0

local head = ours(redis.call('HGET', record, '.'), 60)
if head then
  due, ttl, live, horizon_kept, last_gen, epoch_gen, epoch_before, epoch_until, block, ahead =
    struct.unpack(HEAD, head)
end
local wanted, dirty = 0, false
if horizon > horizon_kept then
  -- An Auth that accepts longer-lived tokens: what stands must be remembered for them too.
  if head then wanted, dirty = ttl + horizon - horizon_kept, true end
  horizon_kept = horizon
end
-- A queue that is none of ours must show before anything is written.
redis.call('ZSCORE', queue, '.')

-- The record must live until then.
local function outlive(at)
  dirty = true
  if at > wanted then wanted = at end
end

-- Looks at the field again at that instant, or a little later.
local function schedule(field, at)
  redis.call('ZADD', queue, at, field)
  if at < due then due = at end
end

local function ends_at(last_us, idle, absolute_end)
  local at = math.floor(last_us / 1000) + idle
  if absolute_end < at then return absolute_end end
  return at
end

local function remembered(created, absolute_end)
  local keep = absolute_end - created
  if keep < horizon_kept then return horizon_kept end
  return keep
end

local function is_live(value)
  return string.byte(value) == 1 and ours(value, 26)
end

local function field_till(value)
  local _, till = struct.unpack('>I1I6', ours(value, 7))
  return till
end

-- Turns a live session into a tombstone, as of the instant given: it was ended (0), or has timed out (2).
local function bury(field, at, created, absolute_end, how)
  local till = at + remembered(created, absolute_end)
  live = live - 1
  redis.call('HDEL', record, 'v' .. string.sub(field, 2))
  if till + SLACK > now then
    redis.call('HSET', record, field, struct.pack('>I1I6', how, till))
    schedule(field, till + SLACK)
  else
    redis.call('HDEL', record, field)
    redis.call('ZREM', queue, field)
  end
  outlive(till)
end

local function write_head()
  redis.call('HSET', record, '.', struct.pack(HEAD, due, ttl, live, horizon_kept, last_gen,
    epoch_gen, epoch_before, epoch_until, block, ahead))
end

-- Ends what has timed out and forgets what need not be remembered; of very many so many at a time. The
-- head is written at once: should a later step fail, it says what is true.
local function purge()
  if due > now then return end
  dirty = true
  local batch = redis.call('ZRANGEBYSCORE', queue, '-inf', now, 'LIMIT', 0, 1000)
  for _, field in ipairs(batch) do
    local value = redis.call('HGET', record, field)
    local kind = string.byte(field)
    local till = 0
    if value and kind == 115 and is_live(value) then
      local _, created, last_us, idle, absolute_end = struct.unpack(LIVE, value)
      till = ends_at(last_us, idle, absolute_end)
      if till <= now then
        bury(field, till, created, absolute_end, 2)
        till = NEVER
      end
    elseif value and kind == 115 then
      till = field_till(value) + SLACK
    elseif value and kind == 113 then
      till = struct.unpack('>I6', ours_quota(value), 29) + SLACK
    elseif value then
      till = struct.unpack('>I6', ours(value, 6)) + SLACK
    end
    if till <= now then
      redis.call('HDEL', record, field)
      redis.call('ZREM', queue, field)
    elseif till < NEVER then
      redis.call('ZADD', queue, till, field)
    end
  end
  local first = redis.call('ZRANGE', queue, 0, 0, 'WITHSCORES')
  due = first[2] and tonumber(first[2]) or NEVER
  write_head()
end

-- Writes the head, and sees that both keys live as long as anything in them must, and an hour longer;
-- another hour of slack, so that a session in use moves the expiry once in an hour. `ttl` never goes back. While a block without end stands
-- neither key expires.
local function save()
  if not dirty then return end
  if math.floor(last_gen / 1000) + horizon_kept + SLACK <= now then last_gen = 0 end
  if live == 0 and last_gen == 0 and epoch_until + SLACK <= now and block + SLACK <= now and ahead + SLACK <= now
    and redis.call('ZCARD', queue) == 0
  then
    redis.call('DEL', record, queue)
    return
  end
  if last_gen > 0 then outlive(math.floor(last_gen / 1000) + horizon_kept) end
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

-- A session that has ended, though the queue has not come to it, is ended now. Returns the value of one that
-- lives, or how it ended where there is a tombstone: see bury.
local function find_session(field)
  local value = redis.call('HGET', record, field)
  if not value then return nil, false end
  if not is_live(value) then return nil, string.byte(ours(value, 7)) end
  local _, created, last_us, idle, absolute_end = struct.unpack(LIVE, value)
  local at = ends_at(last_us, idle, absolute_end)
  if at > now then return value, false end
  bury(field, at, created, absolute_end, 2)
  return nil, 2
end

-- Every live session: field, created, last active, idle timeout, absolute end.
local function sessions()
  local all, list = redis.call('HGETALL', record), {}
  for i = 1, #all, 2 do
    if string.byte(all[i]) == 115 and is_live(all[i + 1]) then
      local _, created, last_us, idle, absolute_end = struct.unpack(LIVE, all[i + 1])
      list[#list + 1] = { all[i], created, last_us, idle, absolute_end }
    end
  end
  return list
end

local function has_room(limit, evict)
  return limit < 0 or live < limit or (limit > 0 and evict == 1)
end

local function add_session(field, idle, absolute)
  redis.call('HSET', record, field, struct.pack(LIVE, 1, now, now_us, idle, now + absolute))
  live = live + 1
  local at = ends_at(now_us, idle, now + absolute)
  schedule(field, at)
  outlive(at + remembered(now, now + absolute))
end

local function touch_session(field, value)
  local _, created, last_us, idle, absolute_end = struct.unpack(LIVE, value)
  local previous = last_us
  if now_us > last_us then last_us = now_us end
  redis.call('HSET', record, field, struct.pack(LIVE, 1, created, last_us, idle, absolute_end))
  local at = ends_at(last_us, idle, absolute_end)
  local till = at + remembered(created, absolute_end)
  if till + SLACK > ttl then outlive(till) end
  return created, last_us, at, previous
end

-- A session as it is handed out.
local function view(field, created, last_us, at)
  local id = string.sub(field, 2)
  local device = redis.call('HGET', record, 'v' .. id) or ''
  return struct.pack('>I2', #id) .. id .. struct.pack('>I6I7I6I4', created, last_us, at, #device) .. device
end

-- Ends as many of the least recently active as must go before one more fits; returns their views, how many, and their ids.
local function evict_for_one(limit)
  if limit < 0 or live < limit then return '', 0, '' end
  local list = sessions()
  table.sort(list, function(a, b)
    if a[3] ~= b[3] then return a[3] < b[3] end
    if a[2] ~= b[2] then return a[2] < b[2] end
    return a[1] < b[1]
  end)
  local views, ids, count = {}, {}, math.min(live + 1 - limit, #list)
  for i = 1, count do
    local field, created, last_us, idle, absolute_end = unpack(list[i])
    views[i] = view(field, created, last_us, ends_at(last_us, idle, absolute_end))
    ids[i] = struct.pack('>I2', #field - 1) .. string.sub(field, 2)
    bury(field, math.max(now, math.floor(last_us / 1000)), created, absolute_end, 0)
  end
  return table.concat(views), count, table.concat(ids)
end

-- Ends every session but one; returns how many.
local function end_all(except)
  local count = 0
  for _, session in ipairs(sessions()) do
    if session[1] ~= except then
      bury(session[1], math.max(now, math.floor(session[3] / 1000)), session[2], session[5], 0)
      count = count + 1
    end
  end
  return count
end

-- What stands against a token, sessions aside: 1 blocked, 2 by its id, 4 by the epoch.
-- A token that does not say when it was issued (foreign is 2) falls with any epoch.
local function standing(token, foreign, issued)
  local deny = 0
  if block > now then deny = 1 end
  -- While it is kept it counts: whether the token still lives is judged by the one who asks.
  if ours(redis.call('HGET', record, token), 6) then deny = deny + 2 end
  if epoch_until + SLACK > now and (foreign == 2 or (foreign == 0 and issued <= epoch_gen)
    or (foreign == 1 and issued < epoch_before)) then
    deny = deny + 4
  end
  return deny
end

-- Ends every session and every token issued up to now; returns how many sessions.
local function revoke_all(before)
  if now_us > last_gen then last_gen = now_us end
  if last_gen > epoch_gen then epoch_gen = last_gen end
  if ahead >= before then before = ahead + 1 end
  if before > epoch_before then epoch_before = before end
  local till = math.max(now, math.floor(last_gen / 1000)) + horizon_kept
  if till > epoch_until then epoch_until = till end
  dirty = true
  return end_all(nil)
end
