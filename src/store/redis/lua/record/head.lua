-- Reads the head of a user's record (HEAD in layout.rs) and declares what a change of the record needs.
-- The scores of the queue are described in numbers.rs (ACTIVITY, FORGET).
local due, ttl, live, horizon_kept, last_gen, epoch_gen, epoch_before, epoch_until, block, ahead, round =
  NEVER, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0

local head = of_length(redis.call('HGET', record, '.'), HEAD_LENGTH)
if head then
  due, ttl, live, horizon_kept, last_gen, epoch_gen, epoch_before, epoch_until, block, ahead, round =
    struct.unpack(HEAD, head)
end
local wanted, dirty = 0, false
if horizon > horizon_kept then
  -- Another Auth accepts longer-lived tokens: the record must be kept for them too.
  if head then wanted, dirty = ttl + horizon - horizon_kept, true end
  horizon_kept = horizon
end
-- A foreign value under the queue's key aborts the script before the first write.
redis.call('ZSCORE', queue, '.')

local function again()
  return redis.status_reply('AGAIN')
end

-- Makes sure that the record lives until that instant.
local function outlive(at)
  dirty = true
  if at > wanted then wanted = at end
end

-- Schedules the deletion of a field.
local function schedule(field, at)
  redis.call('ZADD', queue, FORGET + at, field)
  if at < due then due = at end
end
