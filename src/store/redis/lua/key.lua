
-- What is kept of an API key: created, born (us), expires, revoked, old secret until (ms, 2^48 - 1: never).
local KEY = '>I6I7I6I6I6'
-- The rule of its quota: limit, window (ms), period (us).
local RULE = '>I7I6I7'
local WORDS = '>I4I4I4I4I4I4I4I4'
-- A key that has ended is listed for 30 days, and kept an hour longer.
local LISTED = 2592000000
local KEPT = LISTED + 3600000

-- Of an owner's keys: the highest birth of all, up to which birth they have fallen, how many have no end, and when the
-- last of the others may be gone (ms), or later: what was the last to go is not known once its end has moved.
local RING = '>I7I7I4I6'

local function ring_read(ring)
  local head = ours(redis.call('HGET', ring, '.'), 24)
  if not head then return 0, 0, 0, 0 end
  return struct.unpack(RING, head)
end

-- Notes in the index when a key's record may be gone (ms); without `due` that it is. The index goes an hour after the
-- last of its keys: so long its epoch must be known.
local function ring_note(ring, id, due, born)
  local last, epoch, endless, latest = ring_read(ring)
  local entry = ours(redis.call('HGET', ring, id), 13)
  local before = entry and struct.unpack('>I6', entry) or 0
  if due then
    redis.call('HSET', ring, id, struct.pack('>I6I7', due, born))
  else
    redis.call('HDEL', ring, id)
    due = 0
  end
  if before == NEVER then endless = endless - 1 end
  if due == NEVER then
    endless = endless + 1
  elseif due > latest then
    latest = due
  end
  redis.call('HSET', ring, '.', struct.pack(RING, last, epoch, endless, latest))
  if endless > 0 then
    redis.call('PERSIST', ring)
  else
    redis.call('PEXPIREAT', ring, string.format('%.0f', math.max(latest, math.floor(last / 1000)) + SLACK))
  end
end

-- A key of this owner as it stands now; nil where there is none. An imported key that is imported again, for another owner,
-- has the id that it had: then nil and true.
local function key_kept(key, epoch, owner)
  local found = redis.call('HMGET', key, '.', 'h', 'x', 's', 'm', 'q', 'u', 'l', 'o')
  local head = ours(found[1], 31)
  if not head then return nil end
  if found[9] ~= owner then return nil, true end
  local k = { hash = ours(found[2], 32), spent = found[3] or '', scopes = found[4] or '', metadata = found[5] or '',
    rule = ours(found[6], 20), state = found[7], last = ours(found[8], 6) }
  k.created, k.born, k.expires, k.revoked, k.old = struct.unpack(KEY, head)
  k.is_revoked = k.revoked < NEVER or k.born <= epoch
  k.ends = math.min(k.expires, k.revoked)
  if k.born <= epoch then k.ends = math.min(k.ends, math.floor(epoch / 1000)) end
  return k
end

-- The same; nil too where it ended so long ago that nobody is told of it.
local function key_read(key, epoch, owner)
  local k = key_kept(key, epoch, owner)
  if k and k.ends + LISTED <= now then return nil end
  return k
end

-- Whether two hashes are equal, in a time that does not tell how far they are.
local function same(a, b)
  local x, y, differ = { struct.unpack(WORDS, a) }, { struct.unpack(WORDS, b) }, 0
  for i = 1, 8 do differ = bit.bor(differ, bit.bxor(x[i], y[i])) end
  return differ == 0
end

-- What a presented secret is: 0 the key's, or the one before it in its grace; 1 none; 2 one that was replaced.
-- All of them are looked at, whichever it is.
local function key_secret(k, hash)
  local is = same(k.hash, hash) and 0 or 1
  for i = 1, #k.spent - 31, 32 do
    if same(string.sub(k.spent, i, i + 31), hash) then is = (i == 1 and k.old > now) and 0 or 2 end
  end
  return is
end

local function key_write(key, k)
  redis.call('HSET', key, '.', struct.pack(KEY, k.created, k.born, k.expires, k.revoked, k.old))
end

-- Lets a key expire when it will be listed no more, and notes that in the index.
local function key_expire(key, k, ring, id)
  local due = NEVER
  if k.ends < NEVER then
    due = k.ends + KEPT
    redis.call('PEXPIREAT', key, string.format('%.0f', due))
  else
    redis.call('PERSIST', key)
  end
  ring_note(ring, id, due, k.born)
end

-- What the pointer of an imported key is told when its end is certain, packed: when the record may be gone at the latest
-- (ms), SHA-256 of its text. Of another key nothing.
local function key_ended(key, k)
  local pointed = ours(redis.call('HGET', key, 'i'), 32)
  return pointed and struct.pack('>I6', k.revoked + KEPT) .. pointed or ''
end

local function key_quota(k)
  if not k.rule then return nil end
  local limit, window, period = struct.unpack(RULE, k.rule)
  return quota_at(k.state, limit, window, period)
end

local function text(value)
  value = value or ''
  return struct.pack('>I4', #value) .. value
end

-- A key as it is told, packed: created, expires, last used (0: never), revoked, has a quota; name, start, scopes,
-- metadata, each behind its length; the rule, and as quota_reply.
local function key_view(key, k)
  local q, last = key_quota(k), 0
  if k.last then last = struct.unpack('>I6', k.last) end
  local told = struct.pack('>I6I6I6I1I1', k.created, k.expires, last, k.is_revoked and 1 or 0, q and 1 or 0)
    .. text(redis.call('HGET', key, 'n')) .. text(redis.call('HGET', key, 't')) .. text(k.scopes) .. text(k.metadata)
  if q then told = told .. k.rule .. quota_reply(q, 1, 0) end
  return told
end

