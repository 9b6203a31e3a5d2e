
purge()
last_gen = last_gen + 1
if now_us > last_gen then last_gen = now_us end
dirty = true
save()
return struct.pack('>I7', last_gen)
