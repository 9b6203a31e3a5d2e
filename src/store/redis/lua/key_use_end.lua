
end
local rest = decided()
if type(rest) == 'table' then return rest end
local denied = string.byte(rest)
if #rest == 1 then return rest end
if own_kept == false and bits == 0 and has_scope == 1 and (denied == 0 or denied == 64) then
  return struct.pack('>I1', 255)
end
if denied > 0 or scope_ok == 0 then return key_refuse(rest) end
return key_charge(rest)
