
-- What stands against the key denies the rest as well: then it changes nothing.
if bits > 0 then scope_ok = 0 end
local function decided()
