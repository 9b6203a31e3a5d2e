
purge()
local value = find_session(ARGV[2])
if not value then
  save()
  return struct.pack('>I4', 0)
end
local created, last_us, at = touch_session(ARGV[2], value)
save()
return struct.pack('>I4', 1) .. view(ARGV[2], created, last_us, at)
