
-- A turn: 0 and its last fence; or, where it is held or somebody waits: kind, fence, whether somebody waits, whose ticket it
-- is held by or reserved for, until (us).
local NOBODY, HELD, RESERVED = 0, 1, 2
local TURN = '>I1I7I1c16I7'
local NO_TICKET = '\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0'
-- Beyond it doubles lose integers.
local FENCES_END = 9007199254740992
-- The last fence is remembered for so long (ms).
local DAY = '86400000'
local state = redis.call('GET', turn)
local kind, fence, waiting, who, till = NOBODY, 0, 0, NO_TICKET, 0
if state then
  local most = NOBODY
  if #state == 8 then
    kind, fence = struct.unpack('>I1I7', state)
  elseif #state == 32 then
    kind, fence, waiting, who, till = struct.unpack(TURN, state)
    most = RESERVED
  else
    kind = 255
  end
  if kind > most or fence >= FENCES_END or waiting > 1 or till >= FENCES_END then
    error('FOREIGN value under a key of ours')
  end
end
-- A lease that has ended holds nothing.
if kind == HELD and till <= now_us then kind = NOBODY end

local function turn_packed()
  if kind == NOBODY and waiting == 0 then return struct.pack('>I1I7', NOBODY, fence) end
  return struct.pack(TURN, kind, fence, waiting, who, till)
end
