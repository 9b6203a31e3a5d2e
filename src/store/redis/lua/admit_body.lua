
local is_late, told = purge(), again()
if not is_late then
  local reason, existing, retry, count, views = admit_session()
  if reason < 4 then told = admission(reason, existing, retry, count, views) end
end
save()
return told
