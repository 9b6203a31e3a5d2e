
local deny = standing(ARGV[2], known == 1 and foreign or 2, issued)
return struct.pack('>I4', deny)
