-- Values of sessions, and tombstones of ended sessions.

local function ends_at(last_us, idle, absolute_end)
  local at = math.floor(last_us / THOUSAND) + idle
  if absolute_end < at then return absolute_end end
  return at
end

local function remembered(created, absolute_end)
  local keep = absolute_end - created
  if keep < horizon_kept then return horizon_kept end
  return keep
end

-- Returns whether a value is a session without tombstone. Its round decides whether it is live.
local function is_session(value)
  return string.byte(value) == SESSION and of_length(value, LIVE_LENGTH)
end

-- Returns whether a session is live. endAll() and revokeUser() begin a new round, which ends every session of earlier rounds.
local function is_live(value)
  return is_session(value) and struct.unpack(U32, value, LIVE_ROUND_AT) == round
end

local function field_till(value)
  local _, till = struct.unpack(TOMBSTONE, of_length(value, TOMBSTONE_LENGTH))
  return till
end

-- Replaces the value of a session by a tombstone as of that instant. `how` is ENDED or TIMED_OUT.
local function write_tombstone(field, at, created, absolute_end, how)
  local till, id = at + remembered(created, absolute_end), string.sub(field, 2)
  redis.call('HDEL', record, 'v' .. id)
  if till + SLACK > now then
    redis.call('HSET', record, field, struct.pack(TOMBSTONE, how, till))
    redis.call('ZREM', queue, 'a' .. id)
    schedule(field, till + SLACK)
  else
    redis.call('HDEL', record, field)
    redis.call('ZREM', queue, field, 'a' .. id)
  end
  outlive(till)
end

-- The same for a live session.
local function end_session(field, at, created, absolute_end, how)
  live = live - 1
  write_tombstone(field, at, created, absolute_end, how)
end

-- The same for a session that ended with its round.
local round_at
local function end_stale_session(field, last_us, created, absolute_end)
  if not round_at then
    local kept = of_length(redis.call('HGET', record, ','), U48_LENGTH)
    round_at = kept and struct.unpack(U48, kept) or now
  end
  write_tombstone(field, math.max(round_at, math.floor(last_us / THOUSAND)), created, absolute_end, ENDED)
end
