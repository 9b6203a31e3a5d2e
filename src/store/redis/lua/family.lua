
-- What is kept of a refresh family: the last instant of its session, the life of a token, when the live one was issued,
-- the last instant of any link (all ms), how many tokens were spent.
local FAMILY = '>I6I6I6I6I6'
-- What followed a spent token: until when it is told (ms), which in turn it was, half of that one's hash, and it, sealed.
local LINK = '>I6I6'
-- So many spent tokens are told from unknown ones; of so many what followed can be told at once.
local MAX_SPENT, MAX_LINKS = 10000, 256
local family, spent, links = KEYS[3], KEYS[4], KEYS[5]

-- The family as it stands; nil where there is none.
local function family_read()
  local found = redis.call('HMGET', family, '.', 'h', 's', 'c', 'o')
  -- What is none of ours must show before anything is written.
  redis.call('ZSCORE', spent, '.')
  redis.call('HLEN', links)
  local head = ours(found[1], 30)
  if not head then return nil end
  local f = { hash = ours(found[2], 32), session = found[3], claims = found[4] or '', scope = found[5] or '' }
  if not f.hash or not f.session then error('FOREIGN value under a key of ours') end
  f.ends, f.ttl, f.issued, f.grace, f.turn = struct.unpack(FAMILY, head)
  if f.ends + SLACK <= now then return nil end
  f.expires = math.min(f.issued + f.ttl, f.ends)
  return f
end

-- What is presented: 2 the live token, 1 one that was, 0 neither. A hash is compared, which tells nothing of the token.
local function family_presented(f, digest)
  if f.hash == digest then return 2 end
  local till = redis.call('ZSCORE', spent, string.sub(digest, 1, 16))
  if till and tonumber(till) > now then return 1 end
  return 0
end

-- What followed a spent token, packed: how many; then each as it was sealed, behind its length. False: another login, which is
-- nobody's to be told. nil: it is not told any more.
local function family_followed(f, digest)
  local at, last, told = string.sub(digest, 1, 16), string.sub(f.hash, 1, 16), {}
  local link = redis.call('HGET', links, at)
  if not link or struct.unpack('>I6', link) <= now then return nil end
  while at ~= last do
    link = redis.call('HGET', links, at)
    if not link or #link < 28 then return false end
    at = string.sub(link, 13, 28)
    told[#told + 1] = struct.pack('>I2', #link - 28) .. string.sub(link, 29)
  end
  return struct.pack('>I4', #told) .. table.concat(told)
end

-- Puts another token in the place of the live one. `follows` is what may be told of it: half of its hash, and it, sealed; or
-- nothing.
local function family_replace(f, digest, follows, grace)
  redis.call('ZREMRANGEBYSCORE', spent, '-inf', now - SLACK)
  redis.call('ZREMRANGEBYRANK', spent, 0, -MAX_SPENT)
  local all, kept, oldest, least = redis.call('HGETALL', links), 0, nil, NEVER
  for i = 1, #all, 2 do
    local till, turn = struct.unpack(LINK, all[i + 1])
    if till <= now then
      redis.call('HDEL', links, all[i])
    else
      kept = kept + 1
      if turn < least then oldest, least = all[i], turn end
    end
  end
  if kept >= MAX_LINKS then redis.call('HDEL', links, oldest) end
  local old = string.sub(f.hash, 1, 16)
  f.grace = math.max(f.grace, now + grace)
  f.turn = f.turn + 1
  redis.call('HSET', links, old, struct.pack(LINK, f.grace, f.turn) .. follows)
  redis.call('PEXPIREAT', links, string.format('%.0f', f.grace))
  -- Who brings it in time is led on, though its own time has come meanwhile.
  redis.call('ZADD', spent, math.max(f.expires, f.grace), old)
  f.hash, f.issued = digest, now
end

local function family_write(f)
  local at = string.format('%.0f', f.ends + SLACK)
  redis.call('HSET', family, '.', struct.pack(FAMILY, f.ends, f.ttl, f.issued, f.grace, f.turn), 'h', f.hash)
  redis.call('PEXPIREAT', family, at)
  redis.call('PEXPIREAT', spent, at)
  f.expires = math.min(f.issued + f.ttl, f.ends)
end

local function draw_generation()
  last_gen = math.max(now_us, last_gen + 1)
  dirty = true
  return last_gen
end
