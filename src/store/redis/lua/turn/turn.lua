-- Reads a turn (TURN, or FREE_TURN if it is neither held nor awaited; see layout.rs).
local no_ticket = '\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0'
local state = redis.call('GET', turn)
local kind, fence, waiting, who, till = NOBODY, 0, 0, no_ticket, 0
if state then
  local most = NOBODY
  if #state == FREE_TURN_LENGTH then
    kind, fence = struct.unpack(FREE_TURN, state)
  elseif #state == TURN_LENGTH then
    kind, fence, waiting, who, till = struct.unpack(TURN, state)
    most = RESERVED
  else
    kind = FOREIGN
  end
  if kind > most or fence >= FENCES_END or waiting > 1 or till >= FENCES_END then
    error('FOREIGN value under a key of latchgate')
  end
end
-- An ended lease holds nothing.
if kind == HELD and till <= now_us then kind = NOBODY end

local function turn_packed()
  if kind == NOBODY and waiting == 0 then return struct.pack(FREE_TURN, NOBODY, fence) end
  return struct.pack(TURN, kind, fence, waiting, who, till)
end
