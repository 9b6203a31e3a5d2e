
purge()
local stood = block > now
if block > 0 then
  block, dirty = 0, true
end
save()
return struct.pack('>I4', stood and 1 or 0)
