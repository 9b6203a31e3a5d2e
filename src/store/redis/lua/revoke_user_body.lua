
purge()
local count = revoke_all((math.floor(now / 1000) + 1) * 1000 + tolerance)
if blocking == 1 then block = till end
save()
return struct.pack('>I4', count)
