-- Grants a turn that nobody holds and nobody waits for.
local mode, ttl, seen, stay = struct.unpack(TURN_ASK, numbers)
local next_fence = now_us
if fence >= next_fence then next_fence = fence + 1 end
if seen >= next_fence then next_fence = seen + 1 end

-- Grants the turn to the ticket. The fence is remembered for a day.
local function turn_grant()
  kind, fence, who, till = HELD, next_fence, ticket, now_us + ttl * THOUSAND
  redis.call('SET', turn, turn_packed(), 'PX', DAY)
  return struct.pack(GRANT, TURN_GRANTED, fence, ttl)
end

-- The common case: nobody holds the turn, and nobody waits.
if kind == NOBODY and waiting == 0 and deny == 0 and next_fence < FENCES_END then return turn_grant() end
