-- Admits a session and creates its refresh family. If the login request has a live session already, replaces the token of
-- its family. One script, because a session without a family, or a second session for one request, would occupy a slot that
-- no caller frees.
-- KEYS[1] hash: the user's record. KEYS[2] sorted set: its queue. KEYS[3] hash: the family. KEYS[4] hash: successors of its
--   spent tokens. KEYS[5] string: the request, if it has an idempotency key (REQUEST).
-- ARGV[1] LOGIN. ARGV[2] session field. ARGV[3] device data, a JSON object, or empty. ARGV[4] family. ARGV[5] SHA-256 of the
--   refresh token. ARGV[6] user. ARGV[7] claims, a JSON object, or empty. ARGV[8] scopes, or empty. ARGV[9] the family's key.
-- Reply: U8: LOGIN_REFUSED, then an admission. DRAWN with LOGIN_ADMITTED, then an admission. U8: LOGIN_ELSEWHERE, then id and
--   key of the request's family; without them, the named family belongs to another login. U8: LOGIN_KNOWN. Or the status AGAIN.
--- @include "base/prelude.lua"
local limit, evict, idle, absolute, horizon, given, ttl_of_token, grace, branch = struct.unpack(LOGIN, ARGV[1])
limit = limit - 1
local session, device = ARGV[2], ARGV[3]
--- @include "base/value.lua"
--- @include "base/announce.lua"
--- @include "record/record.lua"
--- @include "family/family.lua"
--- @include "session/admit_session.lua"

local f = family_read()
local request = KEYS[5] and redis.call('GET', KEYS[5])
if request and (#request <= REQUEST_LENGTH or string.byte(request) ~= 1) then error('FOREIGN value under a key of latchgate') end
-- A request and its family have the same user and the same key.
local is_same_family = request and string.sub(request, REQUEST_FAMILY_AT, REQUEST_LENGTH) == ARGV[4] .. ARGV[9]
if f and is_same_family and (f.user ~= ARGV[6] or f.key ~= ARGV[9]) then error('FOREIGN value under a key of latchgate') end
if purge() then
  save()
  return again()
end
local known = false
if request then
  local _, ends = struct.unpack(REQUEST_START, request)
  local field = 's' .. string.sub(request, REQUEST_LENGTH + 1)
  local value = find_session(field)
  if value then
    local _, _, _, _, absolute_end = struct.unpack(LIVE, value)
    known = absolute_end == ends
  end
  if known and block <= now and not is_same_family then
    save()
    return string.char(LOGIN_ELSEWHERE) .. string.sub(request, REQUEST_FAMILY_AT, REQUEST_LENGTH)
  end
  if known then session, device = field, '' end
end
if not known and block <= now then
  local value, ended = find_session(session)
  if given == 1 and (value or ended) then
    save()
    return string.char(LOGIN_KNOWN)
  end
  if f then
    save()
    return string.char(LOGIN_ELSEWHERE)
  end
end
local reason, existing, retry, count, views = admit_session()
if reason == ADMISSION_AGAIN then
  save()
  return again()
end
if reason ~= ADMISSION_OK then
  save()
  return string.char(LOGIN_REFUSED) .. admission(reason, existing, retry, count, views)
end
if f then
  family_cut(f, branch, ARGV[5], grace)
  f.ttl = ttl_of_token
else
  local _, _, _, _, absolute_end = struct.unpack(LIVE, redis.call('HGET', record, session))
  redis.call('DEL', family, links)
  redis.call('HSET', family, 'u', ARGV[6], 'k', ARGV[9], 's', string.sub(session, 2))
  f = { hash = ARGV[5], ends = absolute_end, ttl = ttl_of_token, issued = now, grace = 0,
    -- A request with a session had a family: tokens of that family are replaced.
    cut = known and now + grace or 0, branch = branch, number = 1 }
end
if ARGV[7] ~= '' then redis.call('HSET', family, 'c', ARGV[7]) else redis.call('HDEL', family, 'c') end
if ARGV[8] ~= '' then redis.call('HSET', family, 'o', ARGV[8]) else redis.call('HDEL', family, 'o') end
family_write(f)
if KEYS[5] then
  redis.call('SET', KEYS[5], struct.pack(REQUEST, 1, f.ends, ARGV[4], ARGV[9]) .. string.sub(session, 2),
    'PXAT', string.format('%.0f', f.ends + SLACK))
end
local generation = draw_generation()
save()
return struct.pack(DRAWN, LOGIN_ADMITTED, generation, f.expires) .. admission(reason, existing, retry, count, views)
