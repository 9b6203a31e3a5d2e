-- Returns the value of a live session. Returns nil and ENDED or TIMED_OUT for an ended session, nil and false for an unknown
-- session. Ends a session that has timed out, even if its queue entry is not due.
local function find_session(field)
  local value = redis.call('HGET', record, field)
  if not value then return nil, false end
  if not is_session(value) then return nil, string.byte(of_length(value, TOMBSTONE_LENGTH)) end
  if not is_live(value) then return nil, ENDED end
  local _, created, last_us, idle, absolute_end = struct.unpack(LIVE, value)
  local at = ends_at(last_us, idle, absolute_end)
  if at > now then return value, false end
  end_session(field, at, created, absolute_end, TIMED_OUT)
  return nil, TIMED_OUT
end

local function has_room(limit, evict)
  return limit < 0 or live < limit or (limit > 0 and evict == 1)
end

local function write_session(field, created, last_us, idle, absolute_end)
  redis.call('HSET', record, field, struct.pack(LIVE, SESSION, created, last_us, idle, absolute_end, round))
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

-- Returns a session for a reply: its id with its length, SESSION_TIMES, and the device data.
local function view(field, created, last_us, at)
  local id = string.sub(field, 2)
  local device = redis.call('HGET', record, 'v' .. id) or ''
  return struct.pack(U16, #id) .. id .. struct.pack(SESSION_TIMES, created, last_us, at, #device) .. device
end

-- Reads a session that the queue names.
local function queued_session(field)
  local value = redis.call('HGET', record, field)
  if not value or not is_session(value) then error('FOREIGN value under a key of latchgate') end
  return struct.unpack(LIVE, value)
end

-- Returns when the first session ends; NEVER if there is none. After very many touches the result may be too early.
local function first_end()
  local field, score
  for _ = 1, SLICE do
    field, score = first_of(0, sessions_end)
    if not field then return NEVER end
    local _, created, last_us, idle, absolute_end, its_round = queued_session(field)
    local at = ends_at(last_us, idle, absolute_end)
    if its_round ~= round then
      end_stale_session(field, last_us, created, absolute_end)
    elseif at > score then
      redis.call('ZADD', queue, at, field)
    else
      return at
    end
  end
  return score
end

-- Ends the least recently active sessions until one more session fits. Returns their views, how many, their ids, and whether
-- there is still no room. In that case one slice was ended, and the script returns again().
local function make_room(limit)
  if limit < 0 or live < limit then return '', 0, '', false end
  local views, ids, count = {}, {}, 0
  for _ = 1, SLICE do
    if live < limit then break end
    local member, score = first_of('-inf', '(0')
    if not member then error('FOREIGN value under a key of latchgate') end
    local id = string.sub(member, 2)
    local field = 's' .. id
    local _, created, last_us, idle, absolute_end, its_round = queued_session(field)
    if its_round ~= round then
      end_stale_session(field, last_us, created, absolute_end)
    elseif last_us - ACTIVITY > score then
      redis.call('ZADD', queue, last_us - ACTIVITY, member)
    else
      count = count + 1
      views[count] = view(field, created, last_us, ends_at(last_us, idle, absolute_end))
      ids[count] = struct.pack(U16, #id) .. id
      end_session(field, math.max(now, math.floor(last_us / THOUSAND)), created, absolute_end, ENDED)
    end
  end
  return table.concat(views), count, table.concat(ids), live >= limit
end

-- Ends every session but one, in one write. A tombstone replaces the value of each session when its queue entry is due. Returns
-- the number of ended sessions.
local function end_all_sessions(except)
  local kept = except and find_session(except)
  local count = kept and live - 1 or live
  if count == 0 then return 0 end
  round, live, dirty = round + 1, 0, true
  redis.call('HSET', record, ',', struct.pack(U48, now))
  if kept then
    local _, created, last_us, idle, absolute_end = struct.unpack(LIVE, kept)
    write_session(except, created, last_us, idle, absolute_end)
    live = 1
  end
  return count
end
