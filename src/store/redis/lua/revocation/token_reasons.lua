-- What stands against a token, sessions aside: 1 blocked, 2 by its id, 4 by the epoch.
-- A token that does not say when it was issued (foreign is 2) falls with any epoch.
local function token_reasons(token, foreign, issued)
  local deny = 0
  if block > now then deny = USER_BLOCKED end
  -- While it is kept it counts: whether the token still lives is judged by the one who asks.
  if of_length(redis.call('HGET', record, token), U48_LENGTH) then deny = deny + TOKEN_REVOKED end
  if epoch_until + SLACK > now and (foreign == ISSUED_UNKNOWN or (foreign == ISSUED_HERE and issued <= epoch_gen)
    or (foreign == ISSUED_FOREIGN and issued < epoch_before)) then
    deny = deny + USER_REVOKED
  end
  return deny
end

-- Ends every session and every token issued up to now, and foreign ones up to so much later; returns how many sessions.
local function revoke_all(lead)
  local before = (math.floor(now / THOUSAND) + 1) * THOUSAND + lead
  if now_us > last_gen then last_gen = now_us end
  if last_gen > epoch_gen then epoch_gen = last_gen end
  if ahead >= before then before = ahead + 1 end
  if before > epoch_before then epoch_before = before end
  local till = math.max(now, math.floor(last_gen / THOUSAND)) + horizon_kept
  if till > epoch_until then epoch_until = till end
  dirty = true
  return end_all_sessions(nil)
end
