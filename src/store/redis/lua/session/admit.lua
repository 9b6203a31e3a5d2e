-- Admits a session explicitly, evicting the least recently active where the rule says so.
-- One script, because counting and admitting must not be interrupted.
-- KEYS[1] hash: the user's record. KEYS[2] sorted set: its queue.
-- ARGV[1] packed: limit + 1 (0: none), evict, idle timeout, absolute timeout, horizon (ms).
-- ARGV[2] session field. ARGV[3] device data, a JSON object, or empty.
-- Reply: packed: reason (0 admitted, 1 blocked, 2 ended, 3 limit), existing, live sessions, retry after
--   (ms, 2^48 - 1: unknown), number of views; then the views: the session's, and the evicted ones'.
--   Or the status AGAIN.
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
