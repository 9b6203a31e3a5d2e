
local mode, ttl, seen, stay = struct.unpack('>I1I6I7I6', numbers)

-- Gives it to the asker, under a fence above every other.
local function turn_grant()
  fence = math.max(fence, seen) + 1
  if now_us > fence then fence = now_us end
  if fence >= FENCES then error('FENCES have come to their end') end
  kind, who, till = HELD, ticket, now_us + ttl * 1000
  turn_keep(now + DAY)
  return struct.pack('>I1I7I6', 0, fence, ttl)
end
