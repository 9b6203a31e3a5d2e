-- Returns the reasons against a token, except for its session: USER_BLOCKED, TOKEN_REVOKED, USER_REVOKED. Every epoch revokes a
-- token whose issue is unknown (ISSUED_UNKNOWN).
local function token_reasons(token, foreign, issued)
  local deny = 0
  if block > now then deny = USER_BLOCKED end
  -- A stored revocation counts. The caller decides whether the token is expired.
  if of_length(redis.call('HGET', record, token), U48_LENGTH) then deny = deny + TOKEN_REVOKED end
  if epoch_until + SLACK > now and (foreign == ISSUED_UNKNOWN or (foreign == ISSUED_HERE and issued <= epoch_gen)
    or (foreign == ISSUED_FOREIGN and issued < epoch_before)) then
    deny = deny + USER_REVOKED
  end
  return deny
end

-- Ends every session, and revokes every token issued up to now. `lead` (ms) extends this for foreign tokens. Returns the number of
-- ended sessions.
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
