-- Admits a session explicitly. Evicts the least recently active session if the rule says so.
-- One script, because no change may come between the count and the admission.
-- KEYS[1] hash: the user's record. KEYS[2] sorted set: its queue.
-- ARGV[1] ADMIT. ARGV[2] session field. ARGV[3] device data, a JSON object, or empty.
-- Reply: ADMISSION; then the views of the admitted session and of evicted sessions. Or the status AGAIN.
--- @include "base/prelude.lua"
local limit, evict, idle, absolute, horizon = struct.unpack(ADMIT, ARGV[1])
limit = limit - 1
local session, device = ARGV[2], ARGV[3]
--- @include "base/value.lua"
--- @include "base/announce.lua"
--- @include "record/record.lua"
--- @include "session/admit_session.lua"

local is_late, told = purge(), again()
if not is_late then
  local reason, existing, retry, count, views = admit_session()
  if reason < ADMISSION_AGAIN then told = admission(reason, existing, retry, count, views) end
end
save()
return told
