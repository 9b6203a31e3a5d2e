
return struct.pack('>I4', block > now and 1 or 0)
