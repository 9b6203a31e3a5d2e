-- The library of refresh families (FAMILY and LINK in layout.rs). Links are a ring: the link of a token replaces the
-- link of the token MAX_LINKS numbers before it.
local family, links = KEYS[3], KEYS[4]

local function link_field(at)
  return struct.pack(U8, at % MAX_LINKS)
end

-- Returns the family with its current state, or nil.
local function family_read()
  local found = redis.call('HMGET', family, '.', 'h', 'k', 'u', 's', 'c', 'o')
  -- A foreign value under the key aborts the script before the first write.
  redis.call('HLEN', links)
  local head = of_length(found[1], FAMILY_LENGTH)
  if not head then return nil end
  local f = { hash = of_length(found[2], DIGEST_LENGTH), key = of_length(found[3], DIGEST_LENGTH), user = found[4], session = found[5],
    claims = found[6] or '', scope = found[7] or '' }
  if not f.hash or not f.key or not f.user or not f.session then error('FOREIGN value under a key of latchgate') end
  f.ends, f.ttl, f.issued, f.grace, f.cut, f.branch, f.number = struct.unpack(FAMILY, head)
  if f.ends + SLACK <= now then return nil end
  f.expires = math.min(f.issued + f.ttl, f.ends)
  return f
end

-- Returns TOKEN_LIVE, TOKEN_SPENT or TOKEN_INVALID for a presented token. Returns FAMILY_UNKNOWN if the family is missing, belongs
-- to another user, or has another key. The process has authenticated branch and number under that key.
local function family_status(f, branch, number, digest, user, key)
  if not f or f.user ~= user or f.key ~= key then return FAMILY_UNKNOWN end
  if f.hash == digest then return TOKEN_LIVE end
  return branch == f.branch and number >= f.number and TOKEN_INVALID or TOKEN_SPENT
end

-- Returns the successors of a spent token. U32: how many; then each sealed successor with its length. Returns false if they
-- belong to another login. Returns nil if they are no longer returned.
local function family_successors(f, branch, number, digest)
  if branch ~= f.branch then
    if f.cut > now then return false end
    return nil
  end
  local first = redis.call('HGET', links, link_field(number))
  if not first then return nil end
  local of, till = struct.unpack(LINK_START, first)
  if of ~= number or till <= now or string.sub(first, LINK_HALF_AT, LINK_LENGTH) ~= string.sub(digest, 1, HALF) then return nil end
  local count, fields, told = f.number - number, {}, {}
  for i = 1, count do fields[i] = link_field(number + i - 1) end
  for i, link in ipairs(redis.call('HMGET', links, unpack(fields))) do
    if not link or #link < LINK_LENGTH or (struct.unpack(U48, link)) ~= number + i - 1 then
      error('FOREIGN value under a key of latchgate')
    end
    told[i] = struct.pack(U16, #link - LINK_LENGTH) .. string.sub(link, LINK_LENGTH + 1)
  end
  return struct.pack(U32, count) .. table.concat(told)
end

-- Replaces the live token by the next token of its branch. `sealed` is the text that spent tokens still return.
local function family_rotate(f, digest, sealed, grace)
  f.grace = math.max(f.grace, now + grace)
  redis.call('HSET', links, link_field(f.number),
    struct.pack(LINK, f.number, f.grace, f.hash) .. sealed)
  redis.call('PEXPIREAT', links, string.format('%.0f', f.grace))
  f.number, f.hash, f.issued = f.number + 1, digest, now
end

-- Begins another branch for another login. No spent token returns its token.
local function family_cut(f, branch, digest, grace)
  f.grace = math.max(f.grace, now + grace)
  redis.call('DEL', links)
  f.cut, f.branch, f.number, f.hash, f.issued = f.grace, branch, 1, digest, now
end

local function family_write(f)
  redis.call('HSET', family, '.', struct.pack(FAMILY, f.ends, f.ttl, f.issued, f.grace, f.cut, f.branch, f.number),
    'h', f.hash)
  redis.call('PEXPIREAT', family, string.format('%.0f', f.ends + SLACK))
  f.expires = math.min(f.issued + f.ttl, f.ends)
end

local function draw_generation()
  last_gen = math.max(now_us, last_gen + 1)
  dirty = true
  return last_gen
end
