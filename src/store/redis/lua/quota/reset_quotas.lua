-- Deletes quotas. One script, because the reply must describe exactly what was deleted.
-- KEYS[n] string: a quota.
-- Reply: U32: 1 if one of the quotas held data, else 0.
--- @include "base/prelude.lua"
--- @include "quota/quota.lua"
--- @include "quota/idempotency.lua"
local held, found = 0, {}
for _, key in ipairs(KEYS) do
  local state = redis.call('GET', key)
  if state then
    if quota_read(state) > 0 then held = 1 end
    found[#found + 1] = key
  end
end
for _, key in ipairs(found) do redis.call('DEL', key) end
return struct.pack(U32, held)
