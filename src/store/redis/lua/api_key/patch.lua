-- Changes the data of a key and its rule. `what` is KEY_PATCH. An empty value is deleted.
local function key_patch(key, k, what, name, scopes, metadata, rule)
  local which, expires = struct.unpack(KEY_PATCH, what)
  local function put(flag, field, value)
    if math.floor(which / flag) % 2 == 0 then return end
    if value == '' then redis.call('HDEL', key, field) else redis.call('HSET', key, field, value) end
  end
  put(PATCH_NAME, 'n', name)
  put(PATCH_SCOPES, 's', scopes)
  put(PATCH_METADATA, 'm', metadata)
  if which >= PATCH_EXPIRY then k.expires = expires end
  if math.floor(which / PATCH_RULE) % 2 == 1 then
    if k.rule then
      local _, window, period = struct.unpack(RULE, k.rule)
      local _, new_window, new_period = struct.unpack(RULE, rule)
      -- A quota of another algorithm counts differently, so it starts again.
      if (window == 0) ~= (new_window == 0) or (period == 0) ~= (new_period == 0) then redis.call('HDEL', key, 'u') end
    end
    redis.call('HSET', key, 'q', rule)
  end
end
