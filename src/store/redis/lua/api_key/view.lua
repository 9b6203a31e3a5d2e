-- The quota of an API key, and a key as a reply describes it.

local function key_quota(k)
  if not k.rule then return nil end
  local limit, window, period = struct.unpack(RULE, k.rule)
  return quota_at(k.state, limit, window, period)
end

local function text(value)
  value = value or ''
  return struct.pack(U32, #value) .. value
end

-- Returns a key for a reply: KEY_VIEW; name, first characters, scopes and metadata, each with its length; with a quota, RULE and
-- a quota reply.
local function key_view(key, k)
  local q, last = key_quota(k), 0
  if k.last then last = struct.unpack(U48, k.last) end
  local told = struct.pack(KEY_VIEW, k.created, k.expires, last, k.is_revoked and 1 or 0, q and 1 or 0)
    .. text(redis.call('HGET', key, 'n')) .. text(redis.call('HGET', key, 't')) .. text(k.scopes) .. text(k.metadata)
  if q then told = told .. k.rule .. quota_reply(q, QUOTA_ALLOWED, 0) end
  return told
end
