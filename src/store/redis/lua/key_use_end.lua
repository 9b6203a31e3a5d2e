
end
local rest = decided()
local denied = string.byte(rest)
if #rest == 1 then return rest end
if denied > 0 or scope_ok == 0 then return key_refuse(rest) end
return key_charge(rest)
