-- Ends one session, or all sessions but one. One script, because no session may be admitted or touched meanwhile.
-- KEYS[1] hash: the user's record. KEYS[2] sorted set: its queue.
-- ARGV[1] END. ARGV[2] session field: the session to end, or to keep.
-- Reply: U32: number of ended sessions. Or the status AGAIN.
--- @include "base/prelude.lua"
local all, horizon = struct.unpack(END, ARGV[1])
--- @include "base/value.lua"
--- @include "base/announce.lua"
--- @include "record/record.lua"

if purge() and all == 1 then
  save()
  return again()
end
local count = 0
if all == 1 then
  count = end_all_sessions(ARGV[2])
else
  local value = find_session(ARGV[2])
  if value then
    local _, created, last_us, _, absolute_end = struct.unpack(LIVE, value)
    end_session(ARGV[2], math.max(now, math.floor(last_us / THOUSAND)), created, absolute_end, ENDED)
    count = 1
  end
end
save()
if count > 0 then announce(record) end
return struct.pack(U32, count)
