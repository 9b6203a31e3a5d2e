-- Applies the changes of counters. Returns the reply.
local function apply_changes()
  -- All values are read and validated before the first write. A foreign value makes the script fail instead of a wrong answer.
  local answer = memory and redis.call('GET', memory)
  if answer then
    if string.byte(answer) ~= 1 or #answer < COUNTERS_MEMORY_LENGTH + I64_LENGTH
      or #answer % I64_LENGTH ~= COUNTERS_MEMORY_LENGTH % I64_LENGTH then
      return redis.error_reply('FOREIGN value under a key of latchgate')
    end
    if struct.unpack(U48, answer, COUNTERS_MEMORY_UNTIL_AT) > now then
      if string.sub(answer, 2, COUNTERS_MEMORY_UNTIL_AT - 1) ~= question then return string.char(APPLY_OTHER_QUESTION) end
      return string.char(APPLIED_BEFORE) .. string.sub(answer, COUNTERS_MEMORY_LENGTH + 1)
    end
  end
  local before = redis.call('HMGET', counters, unpack(ARGV, names + 1))
  local fits, after, is_act = true, {}, false
  for i, text in ipairs(before) do
    local value = 0
    if text then
      value = string.match(text, '^%-?[1-9]%d*$') and tonumber(text)
      if not value or value > MAX_INTEGER or value < -MAX_INTEGER then
        return redis.error_reply('FOREIGN value under a key of latchgate')
      end
    end
    before[i] = value
    local delta, least, most = struct.unpack(CHANGE, changes, (i - 1) * CHANGE_LENGTH + 1)
    -- Rounding never moves a sum from outside the bounds to inside.
    after[i] = value + delta
    if after[i] < least or after[i] > most then fits = false end
    if delta ~= 0 then is_act = true end
  end
  local function told(values)
    for i, value in ipairs(values) do values[i] = struct.pack(I64, value) end
    return table.concat(values)
  end
  if not fits then return string.char(NOT_APPLIED) .. told(before) end
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
    redis.call('SET', memory, struct.pack(COUNTERS_MEMORY, 1, question, now + DAY) .. after, 'PXAT',
      string.format('%.0f', now + DAY + SLACK))
  end
  return string.char(APPLIED) .. after
end
