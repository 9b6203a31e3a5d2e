
local MOST = 9007199254740991
local DAY = 86400000

-- Everything is read before anything is written. What is none of ours is better not answered than answered wrongly.
local answer = memory and redis.call('GET', memory)
if answer then
  if string.byte(answer) ~= 1 or #answer < 31 or #answer % 8 ~= 7 then
    return redis.error_reply('FOREIGN value under a key of ours')
  end
  if struct.unpack('>I6', answer, 18) > now then
    if string.sub(answer, 2, 17) ~= question then return '\3' end
    return '\2' .. string.sub(answer, 24)
  end
end
local before = redis.call('HMGET', counters, unpack(ARGV, names + 1))
local fits, after, is_act = true, {}, false
for i, text in ipairs(before) do
  local value = 0
  if text then
    value = string.match(text, '^%-?[1-9]%d*$') and tonumber(text)
    if not value or value > MOST or value < -MOST then
      return redis.error_reply('FOREIGN value under a key of ours')
    end
  end
  before[i] = value
  local delta, least, most = struct.unpack('>i8i8i8', changes, i * 24 - 23)
  -- A sum beyond the bounds may be rounded, but never to within them.
  after[i] = value + delta
  if after[i] < least or after[i] > most then fits = false end
  if delta ~= 0 then is_act = true end
end
local function told(values)
  for i, value in ipairs(values) do values[i] = struct.pack('>i8', value) end
  return table.concat(values)
end
if not fits then return '\0' .. told(before) end
local written, gone = {}, {}
for i, value in ipairs(after) do
  if value == 0 and before[i] ~= 0 then
    gone[#gone + 1] = ARGV[names + i]
  elseif value ~= before[i] then
    written[#written + 1] = ARGV[names + i]
    written[#written + 1] = string.format('%.0f', value)
  end
end
if #written > 0 then redis.call('HSET', counters, unpack(written)) end
if #gone > 0 then redis.call('HDEL', counters, unpack(gone)) end
after = told(after)
if memory and is_act then
  redis.call('SET', memory, '\1' .. question .. struct.pack('>I6', now + DAY) .. after, 'PXAT',
    string.format('%.0f', now + DAY + SLACK))
end
return '\1' .. after
