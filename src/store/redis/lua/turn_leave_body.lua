
local held = turn_leave()
turn_save()
return struct.pack('>I4', held and 1 or 0)
