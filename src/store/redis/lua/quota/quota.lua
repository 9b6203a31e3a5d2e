-- The library of quotas (QUOTA, STRETCH and RULE in layout.rs). A value has the same format in every key.

-- Reads a quota. A foreign value makes the script fail instead of a wrong answer.
local function quota_read(state)
  local born, used, added, since, till, paid
  if #state >= QUOTA_LENGTH and (#state - QUOTA_LENGTH) % STRETCH_LENGTH == 0 then born, used, added, since, till, paid = struct.unpack(QUOTA, state) end
  if not born or born > MAX_INTEGER or used > MAX_INTEGER or added > MAX_INTEGER or since > MAX_INTEGER then
    error('FOREIGN value under a key of latchgate')
  end
  if (used == 0 and added == 0 and since == 0) or (till > 0 and till <= now) then return 0, 0, 0, 0, 0, 0, '' end
  return born, used, added, since, till, paid, string.sub(state, QUOTA_LENGTH + 1)
end

-- Returns how many used units of a bucket are back.
local function quota_drained(q, period)
  return math.max(math.min(math.floor((now_us - q.since) / period), q.used), 0)
end

-- Returns the current state of a quota under a rule. `state` is false if no value is stored.
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

-- Returns when that many used units are back (us); 0 if they never are, or if `units` is not positive.
local function quota_back(q, units)
  if units <= 0 then return 0 end
  if q.period > 0 then return math.min(q.since + units * q.period, MAX_INTEGER) end
  if q.window > 0 then return q.till * THOUSAND end
  return 0
end

-- Returns how many of the used units were charged up to that number of the total.
local function quota_left(q, used, at)
  local later = q.added - at
  for i = 1, #q.gone, STRETCH_LENGTH do
    local last, units = struct.unpack(STRETCH, q.gone, i)
    if last > at then later = later - units end
  end
  return math.max(used - math.max(later, 0), 0)
end

-- Forgets refunds that precede every unit in use.
local function quota_forget(q)
  while q.gone ~= '' and quota_left(q, q.used, (struct.unpack(U56, q.gone))) == 0 do
    q.gone = string.sub(q.gone, STRETCH_LENGTH + 1)
  end
end

-- Records a refund of units. `at` is the number of the last unit. Beyond MAX_STRETCHES, the earliest stretch is forgotten.
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

-- Refunds units of a charge that is not void. Returns false if all of them have returned already.
local function quota_refund(q, units, at)
  if q.paid == 0 then
    q.used = math.max(q.used - units, 0)
    return true
  end
  local left = quota_left(q, q.used - quota_drained(q, q.paid), at)
  local back = math.min(units, left)
  if back == 0 then return false end
  -- If the clock was set back, older charges may still be in use.
  local with_older = quota_left(q, q.used, at)
  q.used = q.used - back
  if with_older > back then quota_note(q, at, back) end
  return true
end

-- Takes available units. Returns until when the charge can be refunded (ms).
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
      -- No earlier charge can be refunded from now on.
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

-- Adds units to a balance. Returns false if the balance would exceed MAX_INTEGER.
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

-- Writes a quota that is a string. It expires SLACK after its end.
local function quota_set(key, q)
  if q.till > 0 then
    redis.call('SET', key, quota_pack(q), 'PXAT', string.format('%.0f', q.till + SLACK))
  else
    redis.call('SET', key, quota_pack(q))
  end
end

-- Returns a quota reply (QUOTA_REPLY).
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

-- Returns the quota reply of a charge, with its receipt (CHARGED) unless the id is empty.
local function quota_charged(q, void, id)
  if id == '' then return quota_reply(q, QUOTA_ALLOWED, 0) end
  return quota_reply(q, QUOTA_ALLOWED + QUOTA_CHARGED, 0) .. struct.pack(CHARGED, q.born, void, id, q.added)
end
