-- The library of API keys: the record of a key, and the index of its owner's keys (KEY and KEY_INDEX in layout.rs).

local function index_read(index)
  local head = of_length(redis.call('HGET', index, '.'), KEY_INDEX_LENGTH)
  if not head then return 0, 0, 0, 0 end
  return struct.unpack(KEY_INDEX, head)
end

-- Records in the index when the record of a key may be gone (ms); without `due`, that it is gone. The index expires SLACK after
-- the last of its keys, because its epoch must be known until then.
local function index_note(index, id, due, born)
  local last, epoch, endless, latest = index_read(index)
  local entry = of_length(redis.call('HGET', index, id), KEY_INDEX_ENTRY_LENGTH)
  local before = entry and struct.unpack(U48, entry) or 0
  if due then
    redis.call('HSET', index, id, struct.pack(KEY_INDEX_ENTRY, due, born))
  else
    redis.call('HDEL', index, id)
    due = 0
  end
  if before == NEVER then endless = endless - 1 end
  if due == NEVER then
    endless = endless + 1
  elseif due > latest then
    latest = due
  end
  redis.call('HSET', index, '.', struct.pack(KEY_INDEX, last, epoch, endless, latest))
  if endless > 0 then
    redis.call('PERSIST', index)
  else
    redis.call('PEXPIREAT', index, string.format('%.0f', math.max(latest, math.floor(last / THOUSAND)) + SLACK))
  end
end

-- Returns a key of this owner with its current state, or nil. Returns nil and true if the key belongs to another owner now: a key
-- that is imported again keeps its id.
local function key_kept(key, epoch, owner)
  local found = redis.call('HMGET', key, '.', 'h', 'x', 's', 'm', 'q', 'u', 'l', 'o')
  local head = of_length(found[1], KEY_LENGTH)
  if not head then return nil end
  if found[9] ~= owner then return nil, true end
  local k = { hash = of_length(found[2], DIGEST_LENGTH), spent = found[3] or '', scopes = found[4] or '', metadata = found[5] or '',
    rule = of_length(found[6], RULE_LENGTH), state = found[7], last = of_length(found[8], U48_LENGTH) }
  k.created, k.born, k.expires, k.revoked, k.old = struct.unpack(KEY, head)
  k.is_revoked = k.revoked < NEVER or k.born <= epoch
  k.ends = math.min(k.expires, k.revoked)
  if k.born <= epoch then k.ends = math.min(k.ends, math.floor(epoch / THOUSAND)) end
  return k
end

-- The same, but nil for a key that ended more than LISTED ago.
local function key_read(key, epoch, owner)
  local k = key_kept(key, epoch, owner)
  if k and k.ends + LISTED <= now then return nil end
  return k
end

-- Returns whether two hashes are equal, in constant time.
local function same(a, b)
  local x, y, differ = { struct.unpack(HASH, a) }, { struct.unpack(HASH, b) }, 0
  for i = 1, HASH_LENGTH / U32_LENGTH do differ = bit.bor(differ, bit.bxor(x[i], y[i])) end
  return differ == 0
end

-- Returns SECRET_VALID, SECRET_UNKNOWN or SECRET_REPLACED for a presented secret. Always compares all hashes.
local function key_secret(k, hash)
  local is = same(k.hash, hash) and SECRET_VALID or SECRET_UNKNOWN
  for i = 1, #k.spent - DIGEST_LENGTH + 1, DIGEST_LENGTH do
    if same(string.sub(k.spent, i, i + DIGEST_LENGTH - 1), hash) then
      is = (i == 1 and k.old > now) and SECRET_VALID or SECRET_REPLACED
    end
  end
  return is
end

local function key_write(key, k)
  redis.call('HSET', key, '.', struct.pack(KEY, k.created, k.born, k.expires, k.revoked, k.old))
end

-- Sets the expiry of a key to the end of its listing, and records it in the index.
local function key_expire(key, k, index, id)
  local due = NEVER
  if k.ends < NEVER then
    due = k.ends + KEPT
    redis.call('PEXPIREAT', key, string.format('%.0f', due))
  else
    redis.call('PERSIST', key)
  end
  index_note(index, id, due, k.born)
end

-- Returns the update for the index entry of an imported key whose end is certain. U48: when the record is gone at the latest
-- (ms); then the SHA-256 of its text. Returns an empty string for any other key.
local function key_ended(key, k)
  local imported = of_length(redis.call('HGET', key, 'i'), DIGEST_LENGTH)
  return imported and struct.pack(U48, k.revoked + KEPT) .. imported or ''
end
