-- Uses a refresh token. One script, because all callers with the same token get the same successor, and a reused token must end
-- its session before another token is granted.
-- KEYS[1] to KEYS[4] as of login.lua.
-- ARGV[1] REFRESH. ARGV[2] SHA-256 of the presented token. ARGV[3] user and ARGV[4] key of the family, as the process knows
--   them. ARGV[5] SHA-256 of the successor, which has the next number. ARGV[6] the successor, sealed.
-- Reply: U8: REFRESH_INVALID, REFRESH_EXPIRED, REFRESH_REVOKED or FAMILY_UNKNOWN; REFRESH_REUSED, then the ended session. Or
--   DRAWN with REFRESH_GRANTED; session, claims and scopes, each with its length; U32: number of sealed successors of the
--   presented token, then each with its length.
--- @include "base/prelude.lua"
local horizon, grace, branch, number = struct.unpack(REFRESH, ARGV[1])
--- @include "base/value.lua"
--- @include "base/announce.lua"
--- @include "record/record.lua"
--- @include "family/family.lua"

local f = family_read()
local status = family_status(f, branch, number, ARGV[2], ARGV[3], ARGV[4])
if status == TOKEN_INVALID or status == FAMILY_UNKNOWN then return struct.pack(U8, status) end
if block > now then return string.char(REFRESH_REVOKED) end
if f.ends <= now then return string.char(REFRESH_EXPIRED) end
purge()
local function refuse(answer)
  save()
  return answer
end
local session = 's' .. f.session
local value, ended = find_session(session)
if not value then return refuse(string.char(ended == TIMED_OUT and REFRESH_EXPIRED or REFRESH_REVOKED)) end
local _, created, last_us, _, absolute_end = struct.unpack(LIVE, value)
if absolute_end ~= f.ends then return refuse(string.char(REFRESH_REVOKED)) end
local told = struct.pack(U32, 0)
if status == TOKEN_LIVE then
  if f.expires <= now then return refuse(string.char(REFRESH_EXPIRED)) end
  family_rotate(f, ARGV[5], ARGV[6], grace)
  family_write(f)
else
  told = family_successors(f, branch, number, ARGV[2])
  if told == false then return refuse(string.char(REFRESH_INVALID)) end
  if told and f.expires <= now then return refuse(string.char(REFRESH_EXPIRED)) end
  if not told then
    redis.call('DEL', links)
    end_session(session, math.max(now, math.floor(last_us / THOUSAND)), created, absolute_end, ENDED)
    announce(record)
    return refuse(string.char(REFRESH_REUSED) .. f.session)
  end
end
touch_session(session, value)
local generation = draw_generation()
save()
return struct.pack(DRAWN, REFRESH_GRANTED, generation, f.expires) .. struct.pack(U16, #f.session) .. f.session
  .. struct.pack(U32, #f.claims) .. f.claims .. struct.pack(U32, #f.scope) .. f.scope .. told
