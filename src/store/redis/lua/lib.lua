local due, ttl, live, horizon_kept, last_gen, epoch_gen, epoch_before, epoch_until, block, ahead, round =
  NEVER, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0

local head = ours(redis.call('HGET', record, '.'), HEAD_LENGTH)
if head then
  due, ttl, live, horizon_kept, last_gen, epoch_gen, epoch_before, epoch_until, block, ahead, round =
    struct.unpack(HEAD, head)
end
local wanted, dirty = 0, false
if horizon > horizon_kept then
  -- An Auth that accepts longer-lived tokens: what stands must be remembered for them too.
  if head then wanted, dirty = ttl + horizon - horizon_kept, true end
  horizon_kept = horizon
end
-- A foreign value under the queue's key aborts the script before the first write.
redis.call('ZSCORE', queue, '.')

-- The scores of the queue have three ranges. Below 0: a<session>, when the session was last active (us) - ACTIVITY, or
-- earlier. From 0 on: s<session>, when the session ends (ms), or earlier. From FORGET on: FORGET + when an ended session,
-- a revoked token or a quota is forgotten (ms). A touch moves no score, so the scores of a session are lower bounds.
local ACTIVITY, FORGET = 9007199254740992, 2251799813685248
-- One run of a script ends, moves or forgets SLICE entries of the queue at most, or lists PAGE of them, which takes 1 to 2 ms:
-- the history of one account must not keep the server busy. A script that needs more answers again(), and the caller runs
-- it again.
local SLICE, PAGE = 100, 200

local function again()
  return redis.status_reply('AGAIN')
end

-- The record must live until then.
local function outlive(at)
  dirty = true
  if at > wanted then wanted = at end
end

-- Forgets the field at that instant, or a little later.
local function schedule(field, at)
  redis.call('ZADD', queue, FORGET + at, field)
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

-- The value of a session for which no tombstone was written yet. Whether it lives depends on its round.
local function is_row(value)
  return string.byte(value) == 1 and ours(value, LIVE_LENGTH)
end

-- endAll() and revokeUser() begin a new round, which ends every session of the rounds before it.
local function is_live(value)
  return is_row(value) and struct.unpack('>I4', value, LIVE_LENGTH - 3) == round
end

local function field_till(value)
  local _, till = struct.unpack('>I1I6', ours(value, 7))
  return till
end

-- Replaces the value of a session by a tombstone, as of the instant given: the session was ended (0), or timed out (2).
local function entomb(field, at, created, absolute_end, how)
  local till, id = at + remembered(created, absolute_end), string.sub(field, 2)
  redis.call('HDEL', record, 'v' .. id)
  if till + SLACK > now then
    redis.call('HSET', record, field, struct.pack('>I1I6', how, till))
    redis.call('ZREM', queue, 'a' .. id)
    schedule(field, till + SLACK)
  else
    redis.call('HDEL', record, field)
    redis.call('ZREM', queue, field, 'a' .. id)
  end
  outlive(till)
end

-- The same for a live session.
local function bury(field, at, created, absolute_end, how)
  live = live - 1
  entomb(field, at, created, absolute_end, how)
end

-- The same for a session that ended with its round.
local round_at
local function entomb_stale(field, last_us, created, absolute_end)
  if not round_at then
    local kept = ours(redis.call('HGET', record, ','), 6)
    round_at = kept and struct.unpack('>I6', kept) or now
  end
  entomb(field, math.max(round_at, math.floor(last_us / 1000)), created, absolute_end, 0)
end

local function write_head()
  redis.call('HSET', record, '.', struct.pack(HEAD, due, ttl, live, horizon_kept, last_gen,
    epoch_gen, epoch_before, epoch_until, block, ahead, round))
end

-- The first entry of the queue whose score lies in the range: its member and score.
local function first_of(from, to)
  local first = redis.call('ZRANGEBYSCORE', queue, from, to, 'WITHSCORES', 'LIMIT', 0, 1)
  return first[1], tonumber(first[2])
end

local SESSIONS_END = '(' .. string.format('%.0f', FORGET)

-- Ends the sessions that have timed out, one slice of them. True: there may be more.
local function time_out()
  local batch = redis.call('ZRANGEBYSCORE', queue, 0, now, 'LIMIT', 0, SLICE)
  if #batch == 0 then return false end
  local values = redis.call('HMGET', record, unpack(batch))
  for i, field in ipairs(batch) do
    local value = values[i]
    if not value or not is_row(value) then error('FOREIGN value under a key of ours') end
    local _, created, last_us, idle, absolute_end, its_round = struct.unpack(LIVE, value)
    local at = ends_at(last_us, idle, absolute_end)
    if its_round ~= round then
      entomb_stale(field, last_us, created, absolute_end)
    elseif at <= now then
      bury(field, at, created, absolute_end, 2)
    else
      redis.call('ZADD', queue, at, field)
    end
  end
  return #batch == SLICE
end

-- Forgets what need not be remembered any more, one slice of it.
local function forget()
  local batch = redis.call('ZRANGEBYSCORE', queue, FORGET, FORGET + now, 'LIMIT', 0, SLICE)
  if #batch == 0 then return end
  local values, gone = redis.call('HMGET', record, unpack(batch)), {}
  for i, field in ipairs(batch) do
    local value, kind, till = values[i], string.byte(field), 0
    if value and kind == 115 then
      till = field_till(value) + SLACK
    elseif value and kind == 113 then
      till = struct.unpack('>I6', ours_quota(value), 29) + SLACK
    elseif value then
      till = struct.unpack('>I6', ours(value, 6)) + SLACK
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

-- Ends what has timed out and forgets what need not be remembered. True: more sessions may have timed out than one run
-- ends. `live` counts them still, so a script that needs the number answers again(). The head is written at once, so
-- that it stays true if a later step fails.
local function purge()
  if due > now then return false end
  dirty = true
  local more = time_out()
  forget()
  local _, first = first_of(0, SESSIONS_END)
  local _, other = first_of(FORGET, '+inf')
  due = math.min(first or NEVER, other and other - FORGET or NEVER)
  write_head()
  return more
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

-- The value of a session that lives; else nil, and how it ended (see entomb), or false where nothing is known of it. A
-- session that has timed out is ended now, though the queue has not come to it.
local function find_session(field)
  local value = redis.call('HGET', record, field)
  if not value then return nil, false end
  if not is_row(value) then return nil, string.byte(ours(value, 7)) end
  if not is_live(value) then return nil, 0 end
  local _, created, last_us, idle, absolute_end = struct.unpack(LIVE, value)
  local at = ends_at(last_us, idle, absolute_end)
  if at > now then return value, false end
  bury(field, at, created, absolute_end, 2)
  return nil, 2
end

local function has_room(limit, evict)
  return limit < 0 or live < limit or (limit > 0 and evict == 1)
end

local function write_session(field, created, last_us, idle, absolute_end)
  redis.call('HSET', record, field, struct.pack(LIVE, 1, created, last_us, idle, absolute_end, round))
end

local function add_session(field, idle, absolute)
  write_session(field, now, now_us, idle, now + absolute)
  live = live + 1
  local at = ends_at(now_us, idle, now + absolute)
  redis.call('ZADD', queue, at, field, now_us - ACTIVITY, 'a' .. string.sub(field, 2))
  if at < due then due = at end
  outlive(at + remembered(now, now + absolute))
end

local function touch_session(field, value)
  local _, created, last_us, idle, absolute_end = struct.unpack(LIVE, value)
  local previous = last_us
  if now_us > last_us then last_us = now_us end
  write_session(field, created, last_us, idle, absolute_end)
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

-- The value of a session that the queue names.
local function queued_session(field)
  local value = redis.call('HGET', record, field)
  if not value or not is_row(value) then error('FOREIGN value under a key of ours') end
  return struct.unpack(LIVE, value)
end

-- When the first session ends; NEVER where there is none. After very many touches the answer may be too early.
local function first_end()
  local field, score
  for _ = 1, SLICE do
    field, score = first_of(0, SESSIONS_END)
    if not field then return NEVER end
    local _, created, last_us, idle, absolute_end, its_round = queued_session(field)
    local at = ends_at(last_us, idle, absolute_end)
    if its_round ~= round then
      entomb_stale(field, last_us, created, absolute_end)
    elseif at > score then
      redis.call('ZADD', queue, at, field)
    else
      return at
    end
  end
  return score
end

-- Ends as many of the least recently active as must go before one more fits. Returns their views, how many, their ids,
-- and whether there is no room yet: then the script has looked at a slice, and answers again().
local function evict_for_one(limit)
  if limit < 0 or live < limit then return '', 0, '', false end
  local views, ids, count = {}, {}, 0
  for _ = 1, SLICE do
    if live < limit then break end
    local member, score = first_of('-inf', '(0')
    if not member then error('FOREIGN value under a key of ours') end
    local id = string.sub(member, 2)
    local field = 's' .. id
    local _, created, last_us, idle, absolute_end, its_round = queued_session(field)
    if its_round ~= round then
      entomb_stale(field, last_us, created, absolute_end)
    elseif last_us - ACTIVITY > score then
      redis.call('ZADD', queue, last_us - ACTIVITY, member)
    else
      count = count + 1
      views[count] = view(field, created, last_us, ends_at(last_us, idle, absolute_end))
      ids[count] = struct.pack('>I2', #id) .. id
      bury(field, math.max(now, math.floor(last_us / 1000)), created, absolute_end, 0)
    end
  end
  return table.concat(views), count, table.concat(ids), live >= limit
end

-- Ends every session but one, at once: the value of each gives way to a tombstone when the queue comes to it. Returns how
-- many sessions were ended.
local function end_all(except)
  local kept = except and find_session(except)
  local count = kept and live - 1 or live
  if count == 0 then return 0 end
  round, live, dirty = round + 1, 0, true
  redis.call('HSET', record, ',', struct.pack('>I6', now))
  if kept then
    local _, created, last_us, idle, absolute_end = struct.unpack(LIVE, kept)
    write_session(except, created, last_us, idle, absolute_end)
    live = 1
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

-- Ends every session and every token issued up to now, and foreign ones up to so much later; returns how many sessions.
local function revoke_all(lead)
  local before = (math.floor(now / 1000) + 1) * 1000 + lead
  if now_us > last_gen then last_gen = now_us end
  if last_gen > epoch_gen then epoch_gen = last_gen end
  if ahead >= before then before = ahead + 1 end
  if before > epoch_before then epoch_before = before end
  local till = math.max(now, math.floor(last_gen / 1000)) + horizon_kept
  if till > epoch_until then epoch_until = till end
  dirty = true
  return end_all(nil)
end
