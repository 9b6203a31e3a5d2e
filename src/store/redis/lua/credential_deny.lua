
-- What stands against the credential: 1 blocked, 2 token revoked, 4 fallen with all of the user's, 8 session ended, 16 session
-- unknown, 32 key unknown, 64 key revoked, 128 key expired. Nothing is touched: a session that has timed out is left for
-- the next decision to end.
local function credential_deny()
  local deny = 0
  if with_token == 1 then
    deny = standing(ARGV[3], foreign, issued)
    local value = check == 1 and redis.call('HGET', record, ARGV[2])
    local lives = check == 0
    if value and is_live(value) then
      local _, _, last_us, idle, absolute_end = struct.unpack(LIVE, value)
      lives = ends_at(last_us, idle, absolute_end) > now
    end
    if not lives then deny = deny + (value and 8 or 16) end
  elseif block > now then
    deny = 1
  end
  if with_key == 1 then
    local _, epoch = ring_read(KEYS[4])
    local k = key_read(KEYS[3], epoch, ARGV[5])
    local secret = k and key_secret(k, ARGV[4]) or 1
    if secret == 1 then return deny + 32 end
    if secret == 2 or k.is_revoked then deny = deny + 64 end
    if k.expires <= now then deny = deny + 128 end
  end
  return deny
end
