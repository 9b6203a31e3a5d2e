-- What is kept of a quota, the same wherever it lies: born (us), used, added (of a bucket: ever charged), since (us),
-- until (ms, 0: never), period (us, of a bucket's last charge; 0: none); then, of a bucket, each stretch of charged units
-- that were given back: the number of the last unit, and how many (src/core/quota/refunds.rs).
-- A rule is: limit, window (ms, 0: a balance), period (us until a unit is back, 0: not a bucket).

-- A value of another form is none of ours: better no answer than a wrong one.
local function quota_read(state)
  local born, used, added, since, till, paid
  if #state >= QUOTA_LENGTH and (#state - QUOTA_LENGTH) % STRETCH_LENGTH == 0 then born, used, added, since, till, paid = struct.unpack(QUOTA, state) end
  if not born or born > MAX_INTEGER or used > MAX_INTEGER or added > MAX_INTEGER or since > MAX_INTEGER then
    error('FOREIGN value under a key of ours')
  end
  if (used == 0 and added == 0 and since == 0) or (till > 0 and till <= now) then return 0, 0, 0, 0, 0, 0, '' end
  return born, used, added, since, till, paid, string.sub(state, QUOTA_LENGTH + 1)
end

-- So many of the used units are back (of a bucket).
local function quota_drained(q, period)
  return math.max(math.min(math.floor((now_us - q.since) / period), q.used), 0)
end

-- A quota as it stands now under a rule. `state` is false where nothing is kept.
local function quota_at(state, limit, window, period)
  local q = { born = 0, used = 0, added = 0, since = 0, till = 0, paid = 0, gone = '', window = window, period = period }
  if state then q.born, q.used, q.added, q.since, q.till, q.paid, q.gone = quota_read(state) end
  if period > 0 and q.used > 0 then
    local back = quota_drained(q, period)
    q.used, q.since = q.used - back, q.since + back * period
  end
  if window == 0 then limit = math.min(limit + q.added, MAX_INTEGER) end
  q.limit = limit
  q.remaining = math.max(limit - q.used, 0)
  return q
end

-- When so many of the used units are back (us); 0 where they never are, or there is none to wait for.
local function quota_back(q, units)
  if units <= 0 then return 0 end
  if q.period > 0 then return math.min(q.since + units * q.period, MAX_INTEGER) end
  if q.window > 0 then return q.till * THOUSAND end
  return 0
end

-- Of so many used units, those that were charged when so many ever were.
local function quota_left(q, used, at)
  local later = q.added - at
  for i = 1, #q.gone, STRETCH_LENGTH do
    local last, units = struct.unpack(STRETCH, q.gone, i)
    if last > at then later = later - units end
  end
  return math.max(used - math.max(later, 0), 0)
end

-- Forgets what nothing that is still used was charged before.
local function quota_forget(q)
  while q.gone ~= '' and quota_left(q, q.used, (struct.unpack(U56, q.gone))) == 0 do
    q.gone = string.sub(q.gone, STRETCH_LENGTH + 1)
  end
end

-- Notes that so many units, the last of which has that number, were given back. Of more than 64 stretches the earliest is
-- forgotten.
local function quota_note(q, at, units)
  local before, behind, first = '', '', at - units
  local last = at
  for i = 1, #q.gone, STRETCH_LENGTH do
    local its_last, its_units = struct.unpack(STRETCH, q.gone, i)
    if its_last == first then
      first = its_last - its_units
    elseif its_last - its_units == at then
      last = its_last
    elseif its_last < at then
      before = before .. string.sub(q.gone, i, i + STRETCH_LENGTH - 1)
    else
      behind = behind .. string.sub(q.gone, i, i + STRETCH_LENGTH - 1)
    end
  end
  q.gone = before .. struct.pack(STRETCH, last, last - first) .. behind
  if #q.gone > MAX_STRETCHES * STRETCH_LENGTH then q.gone = string.sub(q.gone, STRETCH_LENGTH + 1) end
end

-- Gives units of a charge back that is not void; false where all have come back by themselves.
local function quota_refund(q, units, at)
  if q.paid == 0 then
    q.used = math.max(q.used - units, 0)
    return true
  end
  local left = quota_left(q, q.used - quota_drained(q, q.paid), at)
  local back = math.min(units, left)
  if back == 0 then return false end
  -- By a clock that is set back others may be used that were charged before it.
  local with_older = quota_left(q, q.used, at)
  q.used = q.used - back
  if with_older > back then quota_note(q, at, back) end
  return true
end

-- Takes units that are there; returns when they can be given back no more (ms).
local function quota_take(q, cost, keep)
  if q.born == 0 then q.born = now_us end
  local void = now + DAY
  if q.period > 0 then
    if q.used == 0 or q.since == 0 then q.since = now_us end
    local over = math.ceil(now_us / THOUSAND) + q.window
    void = math.min(void, over)
    q.till = math.max(q.till, over, math.ceil(quota_back(q, q.used + cost) / THOUSAND))
    quota_forget(q)
    if q.added > MAX_INTEGER - cost then
      -- Nothing that was charged by now can be given back any more.
      q.born, q.added, q.gone = math.max(now_us, q.born + 1), 0, ''
    end
    q.added, q.paid = q.added + cost, q.period
  elseif q.window > 0 then
    if q.used == 0 or q.till == 0 then q.till = now + q.window end
    void = math.min(void, q.till)
  elseif keep > 0 and now + keep > q.till then
    q.till = now + keep
  end
  q.used, q.remaining = q.used + cost, q.remaining - cost
  return void
end

-- Tops up a balance; false where there would be more units than can be counted.
local function quota_add(q, limit, units)
  if limit + q.added + units > MAX_INTEGER then return false end
  if q.born == 0 then q.born = now_us end
  q.added, q.limit = q.added + units, limit + q.added + units
  q.remaining = math.max(q.limit - q.used, 0)
  return true
end

local function quota_pack(q)
  return struct.pack(QUOTA, q.born, q.used, q.added, q.since, q.till, q.paid) .. q.gone
end

-- Writes a quota that is a string; it expires an hour after it is to be forgotten.
local function quota_set(key, q)
  if q.till > 0 then
    redis.call('SET', key, quota_pack(q), 'PXAT', string.format('%.0f', q.till + SLACK))
  else
    redis.call('SET', key, quota_pack(q))
  end
end

-- What is told of it: packed: flags (1 allowed, 2 replayed, 4 with receipt), limit, remaining, when all are
-- back (ms, 0: none is to come), the same from now, when asking again may help, from now (2^48 - 1: never).
local function quota_reply(q, flags, cost)
  local full, reset, left, retry = quota_back(q, q.used), 0, 0, NEVER
  if full > 0 then
    reset, left = math.ceil(full / THOUSAND), math.max(math.ceil((full - now_us) / THOUSAND), 0)
  end
  if cost > q.remaining and cost <= q.limit then
    local at = quota_back(q, q.used - (q.limit - cost))
    if at > 0 then retry = math.max(math.ceil((at - now_us) / THOUSAND), 0) end
  end
  return struct.pack(QUOTA_REPLY, flags, q.limit, q.remaining, reset, left, retry)
end

-- The same of a charge, and by what it can be given back: born (us), void (ms), receipt id, units ever charged.
local function quota_charged(q, void, id)
  if id == '' then return quota_reply(q, QUOTA_ALLOWED, 0) end
  return quota_reply(q, QUOTA_ALLOWED + QUOTA_CHARGED, 0) .. struct.pack(CHARGED, q.born, void, id, q.added)
end
