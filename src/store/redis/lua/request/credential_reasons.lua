-- Returns the reasons against the credential: USER_BLOCKED to SESSION_UNKNOWN, CREDENTIAL_KEY_UNKNOWN to CREDENTIAL_KEY_EXPIRED.
-- Changes nothing: the next decision ends a session that has timed out.
local function credential_reasons()
  local deny = 0
  if with_token == 1 then
    deny = token_reasons(ARGV[3], foreign, issued)
    local value = check == 1 and redis.call('HGET', record, ARGV[2])
    local lives = check == 0
    if value and is_live(value) then
      local _, _, last_us, idle, absolute_end = struct.unpack(LIVE, value)
      lives = ends_at(last_us, idle, absolute_end) > now
    end
    if not lives then deny = deny + (value and SESSION_ENDED or SESSION_UNKNOWN) end
  elseif block > now then
    deny = USER_BLOCKED
  end
  if with_key == 1 then
    local _, epoch = index_read(KEYS[4])
    local k = key_read(KEYS[3], epoch, ARGV[5])
    local secret = k and key_secret(k, ARGV[4]) or SECRET_UNKNOWN
    if secret == SECRET_UNKNOWN then return deny + CREDENTIAL_KEY_UNKNOWN end
    if secret == SECRET_REPLACED or k.is_revoked then deny = deny + CREDENTIAL_KEY_REVOKED end
    if k.expires <= now then deny = deny + CREDENTIAL_KEY_EXPIRED end
  end
  return deny
end
