-- Ends the session of a refresh token, live or spent. One script, because no other caller may touch the session meanwhile.
-- KEYS[1] to KEYS[4] as of login.lua.
-- ARGV[1] LOGOUT. ARGV[2] SHA-256 of the presented token. ARGV[3] user and ARGV[4] key of the family, as the process knows them.
-- Reply: U8: 1 if the session was live, else 0; or FAMILY_UNKNOWN.
--- @include "base/prelude.lua"
local horizon, branch, number = struct.unpack(LOGOUT, ARGV[1])
--- @include "base/value.lua"
--- @include "base/announce.lua"
--- @include "record/record.lua"
--- @include "family/family.lua"

local f = family_read()
local status = family_status(f, branch, number, ARGV[2], ARGV[3], ARGV[4])
if status == TOKEN_INVALID or status == FAMILY_UNKNOWN then return struct.pack(U8, status) end
purge()
local session, count = 's' .. f.session, 0
local value = find_session(session)
if value then
  local _, created, last_us, _, absolute_end = struct.unpack(LIVE, value)
  if absolute_end == f.ends then
    end_session(session, math.max(now, math.floor(last_us / THOUSAND)), created, absolute_end, ENDED)
    count = 1
    announce(record)
  end
end
save()
return struct.pack(U8, count)
