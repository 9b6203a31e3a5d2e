-- Checks a presented API key, and packs the reply to its use. Replies itself if the key is all that the request has.
local _, key_epoch = index_read(KEYS[5])
local k = key_read(KEYS[4], key_epoch, ARGV[11])
local bits, own, own_kept, facts = KEY_UNKNOWN, nil, nil, ''
if k then
  local secret = key_secret(k, ARGV[8])
  if secret ~= SECRET_UNKNOWN then
    bits = (secret == SECRET_REPLACED or k.is_revoked) and KEY_REVOKED or 0
    if k.expires <= now then bits = bits + KEY_EXPIRED end
    for i = FIRST_SCOPE, #ARGV do
      if not string.find(' ' .. k.scopes .. ' ', ' ' .. ARGV[i] .. ' ', 1, true) then
        bits = bits + KEY_SCOPE_MISSING
        break
      end
    end
    own = key_quota(k)
    facts = text(k.scopes) .. text(k.metadata)
    if own and own_once == 1 and own_cost > 0 and bits == 0 then own_kept = memory_recall(KEYS[6], ARGV[10]) end
    if own and own_kept == nil and own_cost > own.remaining then bits = bits + KEY_QUOTA_EXHAUSTED end
  end
end

-- The reply: reasons against the key, its data, its quota, and the rest of the decision.
local function key_answer(told, rest)
  if facts == '' then return struct.pack(U8_U8, bits, 0) .. rest end
  if not own then return struct.pack(U8_U8, bits, KEY_FACTS) .. facts .. rest end
  return struct.pack(U8_U8, bits, KEY_FACTS + KEY_QUOTA) .. facts .. k.rule .. told .. rest
end

local function key_refuse(rest)
  return key_answer(own and (own_kept and memory_reply(own_kept)
    or quota_reply(own, own_cost <= own.remaining and QUOTA_ALLOWED or 0, own_cost)), rest)
end

-- Charges the key's own quota, and records the use. A cost of 0 changes nothing.
local function key_charge(rest)
  if own_cost == 0 then return key_answer(own and quota_reply(own, QUOTA_ALLOWED, 0), rest) end
  local last = now
  if k.last then last = math.max(now, (struct.unpack(U48, k.last))) end
  redis.call('HSET', KEYS[4], 'l', struct.pack(U48, last))
  if not own then return key_answer(nil, rest) end
  if own_kept then
    -- Other requests that share the charge may still be denied. The charge stays until the last of them is refunded.
    memory_count(KEYS[6], own_kept, 1)
    return key_answer(memory_reply(own_kept), rest)
  end
  local void = quota_take(own, own_cost, 0)
  local told = quota_charged(own, void, ARGV[9])
  redis.call('HSET', KEYS[4], 'u', quota_pack(own))
  if own_once == 1 then
    memory_keep(KEYS[6], ARGV[10], told)
  end
  return key_answer(told, rest)
end

-- A key without a token, and no quota of the request in this call: only a block of the owner counts.
if without_token == 1 and place == NO_QUOTA then
  local head = of_length(redis.call('HGET', record, '.'), HEAD_LENGTH)
  local blocked = 0
  if head then
    local _, _, _, _, _, _, _, _, till = struct.unpack(HEAD, head)
    if till > now then blocked = USER_BLOCKED end
  end
  local rest = struct.pack(DECISION, blocked, 0, 0, 0, 0, 0, 0, 0, 0, 0)
  if bits > 0 or blocked > 0 or scope_ok == 0 then return key_refuse(rest) end
  if own_kept == false then return struct.pack(U8, OTHER_QUESTION) end
  return key_charge(rest)
end
