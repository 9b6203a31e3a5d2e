-- Decides one request. Checks the block of the user, the revocation of the token, the session, the room for a new session,
-- and the quota. Only if nothing denies, it touches or admits the session and charges the quota.
-- One script, because it is one decision: nothing may change between the checks and the changes.
-- KEYS[1] hash: the user's record. KEYS[2] sorted set: its queue. KEYS[3] hash: the user's balances, only if a balance is
--   charged. The last of KEYS, string: the answer kept under the idempotency key, if any.
-- ARGV[1] DECIDE. ARGV[2] session field. ARGV[3] token field. ARGV[4] quota field. ARGV[5] receipt id or empty, only with a
--   quota. ARGV[6] the question, only with an idempotency key.
-- Reply: DECISION. With QUOTA_IN_FULL: a quota reply. With WITH_EVICTED: U32: number of evicted sessions, and their ids, each
--   with its length. With WITH_LEAD: REACH. Or one byte: OTHER_QUESTION. Or the status AGAIN.
--- @include "base/prelude.lua"
--- @include "request/arguments.lua"

-- The common case, without functions and further reads: no queue entry is due, the token is valid, the session is live, and the
-- quota has begun and suffices.
local found = redis.call('HMGET', record, '.', session, token, balances and '' or quota)
if found[1] and #found[1] == HEAD_LENGTH and not found[3] and scope_ok == 1 and not is_ahead then
  local due, ttl, live, kept, _, epoch_gen, epoch_before, epoch_until, block, _, round = struct.unpack(HEAD, found[1])
  local state = found[4]
  if balances then state = redis.call('HGET', KEYS[3], quota) end
  local born, used, added, since, ends, remaining = 0, 0, 0, 0, 0, 0
  -- A quota with refunds is not the common case.
  local readable = not state or #state == QUOTA_LENGTH
  if state and readable then born, used, added, since, ends = struct.unpack(QUOTA, state) end
  if place > 0 then
    if period > 0 and used > 0 then
      local back = math.floor((now_us - since) / period)
      if back > used then back = used end
      if back > 0 then used, since = used - back, since + back * period end
    end
    -- Negative if the limit was lowered. That is not the common case.
    remaining = quota_limit - used
  end
  local value = found[2]
  if due > now and block <= now and horizon <= kept
    and (epoch_until + SLACK <= now or (foreign == ISSUED_HERE and issued > epoch_gen) or (foreign == ISSUED_FOREIGN and issued >= epoch_before))
    and (check == 0 or (value and #value == LIVE_LENGTH and string.byte(value) == SESSION))
    and readable and (place == 0 or (cost <= remaining and (used > 0 or balances) and born > 0 and (added == 0 or period > 0) and keep == 0
      and once == 0 and (ends == 0 or ends > now)))
  then
    local flags, created, last_us, at, previous = 0, 0, 0, 0, 0
    local fits = true
    if check > 0 then
      local _, kept_idle, absolute_end, its_round
      _, created, last_us, kept_idle, absolute_end, its_round = struct.unpack(LIVE, value)
      previous, flags = last_us, WITH_SESSION
      if touch == 1 and now_us > last_us then last_us = now_us end
      at = math.floor(last_us / THOUSAND) + kept_idle
      if absolute_end < at then at = absolute_end end
      local till = absolute_end - created
      if till < kept then till = kept end
      fits = its_round == round and at + till + SLACK <= ttl and math.min(math.floor(previous / THOUSAND) + kept_idle, absolute_end) > now
      value = struct.pack(LIVE, SESSION, created, last_us, kept_idle, absolute_end, its_round)
    end
    local charged, reset = place > 0 and cost > 0, ends
    if charged then
      used, remaining = used + cost, remaining - cost
      if period > 0 then
        reset = math.ceil((since + used * period) / THOUSAND)
        ends = math.max(ends, math.ceil(now_us / THOUSAND) + window, reset)
        fits = fits and ends + SLACK <= ttl and added + cost < MAX_INTEGER
        added = added + cost
      end
      state = struct.pack(QUOTA, born, used, added, since, ends, period)
    elseif period > 0 then
      reset = math.ceil((since + used * period) / THOUSAND)
    end
    if fits then
      if charged and balances then redis.call('HSET', KEYS[3], quota, state) end
      if charged and not balances then
        if check > 0 then
          redis.call('HSET', record, session, value, quota, state)
        else
          redis.call('HSET', record, quota, state)
        end
      elseif last_us > previous then
        redis.call('HSET', record, session, value)
      end
      local left = 0
      if reset > 0 then left = period > 0 and math.ceil((since + used * period - now_us) / THOUSAND) or reset - now end
      if place > 0 then flags = flags + WITH_QUOTA end
      if charged and ARGV[5] ~= '' then
        local void = now + DAY
        if period > 0 then
          void = math.min(void, math.ceil(now_us / THOUSAND) + window)
        elseif ends > 0 then
          void = math.min(void, ends)
        end
        return struct.pack(DECISION, 0, flags + QUOTA_IN_FULL, live, created, last_us, at, previous, remaining, reset, left)
          .. struct.pack(QUOTA_REPLY, QUOTA_ALLOWED + QUOTA_CHARGED, quota_limit, remaining, reset, left, NEVER)
          .. struct.pack(CHARGED, born, void, ARGV[5], added)
      end
      return struct.pack(DECISION, 0, flags, live, created, last_us, at, previous, remaining, reset, left)
    end
  end
end
--- @include "base/value.lua"
--- @include "base/announce.lua"
--- @include "record/record.lua"
--- @include "quota/quota.lua"
--- @include "quota/idempotency.lua"
--- @include "request/decide_slow.lua"

return decide_slow()
