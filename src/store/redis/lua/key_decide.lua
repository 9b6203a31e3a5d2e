
-- What stands against the key denies the rest as well, and so does another question under an idempotency key, where nothing
-- else denies: then it changes nothing.
local has_scope = scope_ok
if bits > 0 or own_kept == false then scope_ok = 0 end
local function decided()
