
purge()
save()
local views = {}
for i, session in ipairs(sessions()) do
  local field, created, last_us, idle, absolute_end = unpack(session)
  views[i] = view(field, created, last_us, ends_at(last_us, idle, absolute_end))
end
return struct.pack('>I4', #views) .. table.concat(views)
