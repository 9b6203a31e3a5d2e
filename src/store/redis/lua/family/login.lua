-- Admits a session and begins its refresh family, or lets another token follow in the family of a request that has a live
-- session. One script, because a session without a family, or a second one for a request, would be a slot that nobody frees.
-- KEYS[1] hash: the user's record. KEYS[2] sorted set: its queue. KEYS[3] hash: the family. KEYS[4] hash: what followed its
-- spent tokens. KEYS[5] string: what is known of the request (only with one).
-- ARGV[1] packed: limit + 1 (0: none), evict, idle timeout, absolute timeout, horizon (ms), the session's id was chosen by the
--   caller, life of a refresh token, grace window (ms), branch of the refresh token.
-- ARGV[2] session field. ARGV[3] device data, a JSON object, or empty. ARGV[4] family. ARGV[5] SHA-256 of the refresh token.
-- ARGV[6] user. ARGV[7] claims, a JSON object, or empty. ARGV[8] scopes, or empty. ARGV[9] the family's key.
-- Reply: packed: 0 refused, then as of admit.lua; 1 admitted, generation (us), when the refresh token expires (ms), then as of
--   admit.lua; 2 nothing was done, and the family that the request has, and its key, to be asked for with both, or
--   nothing where the one named is another's; 3 the session is known. Or the status AGAIN.
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
if request and (#request <= REQUEST_LENGTH or string.byte(request) ~= 1) then error('FOREIGN value under a key of ours') end
-- A request and its family agree on the user and the key.
local is_same_family = request and string.sub(request, REQUEST_FAMILY_AT, REQUEST_LENGTH) == ARGV[4] .. ARGV[9]
if f and is_same_family and (f.user ~= ARGV[6] or f.key ~= ARGV[9]) then error('FOREIGN value under a key of ours') end
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
    -- A request that has a session had a family: tokens of that one are replaced.
    cut = known and now + grace or 0, branch = branch, number = 1 }
end
if ARGV[7] ~= '' then redis.call('HSET', family, 'c', ARGV[7]) else redis.call('HDEL', family, 'c') end
if ARGV[8] ~= '' then redis.call('HSET', family, 'o', ARGV[8]) else redis.call('HDEL', family, 'o') end
family_write(f)
if KEYS[5] then
  redis.call('SET', KEYS[5], struct.pack(REQUEST_START, 1, f.ends) .. ARGV[4] .. ARGV[9] .. string.sub(session, 2),
    'PXAT', string.format('%.0f', f.ends + SLACK))
end
local generation = draw_generation()
save()
return struct.pack(DRAWN, LOGIN_ADMITTED, generation, f.expires) .. admission(reason, existing, retry, count, views)
