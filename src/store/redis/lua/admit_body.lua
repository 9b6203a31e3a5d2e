
purge()
local told = admission(admit_session())
save()
return told
