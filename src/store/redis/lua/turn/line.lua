-- The library of a turn's queue. A reserved turn waits CLAIM for its ticket.
local gate = string.sub(ticket, 1, GATE)
-- Both are read before the first write, so that a foreign value aborts the script.
local place = redis.call('ZRANK', line, ticket)
local has_lapsed = redis.call('HGET', waiters, gate)

-- Marks a gate as lapsed, because it did not claim a turn or does not listen. Its tickets keep their places and are skipped until one
-- of them asks again. So a crashed process costs one claim, not one for each of its tickets.
local function turn_lapse(other)
  local its_gate = string.sub(other, 1, GATE)
  redis.call('HSET', waiters, its_gate, '')
  if its_gate == gate then has_lapsed = '' end
end

local function turn_drop(other)
  redis.call('ZREM', line, other)
  redis.call('HDEL', waiters, other)
end

-- Wakes a ticket. Returns false if no process listens.
local function turn_wake(other)
  local name = string.format('%02x%02x%02x%02x%02x%02x%02x%02x', string.byte(other, 1, GATE))
  if redis.pcall('PUBLISH', channels .. name, other) ~= 0 then return true end
  -- On a Cluster, PUBLISH does not count listeners of other nodes.
  local cluster = redis.pcall('CLUSTER', 'INFO')
  return type(cluster) ~= 'table' or not string.find(cluster.err or '', 'support disabled', 1, true)
end

-- Reserves a turn that is neither held nor reserved, for the first of `left` tickets that still waits and whose gate has not lapsed.
local function turn_hand_on(left)
  local at, many = 0, 1
  while left > 0 do
    local batch = redis.call('ZRANGE', line, at, at + math.min(left, many) - 1)
    if #batch == 0 then return end
    local fields = {}
    for i, other in ipairs(batch) do
      fields[2 * i - 1], fields[2 * i] = of_length(other, TICKET), string.sub(other, 1, GATE)
    end
    local kept, lapsed = redis.call('HMGET', waiters, unpack(fields)), {}
    for i, other in ipairs(batch) do
      local stay, its_gate = 0, fields[2 * i]
      if kept[2 * i - 1] then stay = struct.unpack(U56, of_length(kept[2 * i - 1], U56_LENGTH)) end
      if stay <= now_us then
        turn_drop(other)
      elseif kept[2 * i] or lapsed[its_gate] then
        at = at + 1
      elseif turn_wake(other) then
        kind, who, till = RESERVED, other, now_us + CLAIM
        return
      else
        turn_lapse(other)
        lapsed[its_gate] = true
        at = at + 1
      end
    end
    left, many = left - #batch, TURN_BATCH
  end
end

-- Releases the turn, the reservation or the place of the ticket, and hands the turn on. Returns whether the ticket held the turn.
local function turn_leave()
  local held = kind == HELD and who == ticket
  if place then turn_drop(ticket) end
  if kind ~= NOBODY and who == ticket then kind = NOBODY end
  if kind == NOBODY then turn_hand_on(redis.call('ZCARD', line)) end
  return held
end

-- Writes the turn with its previous expiry. Deletes an empty queue.
local function turn_save()
  waiting = redis.call('EXISTS', line)
  if waiting == 0 then redis.call('DEL', waiters) end
  redis.call('SET', turn, turn_packed(), 'KEEPTTL')
end

-- A reservation that was not claimed in time is free again.
if kind == RESERVED and till <= now_us then
  turn_lapse(who)
  kind = NOBODY
end
