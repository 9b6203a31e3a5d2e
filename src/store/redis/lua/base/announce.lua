-- Tells whoever watches requests of the user with this record, or index of API keys, that something of it has fallen. The
-- channel follows from the key's name. Where it may not be published they find out by asking.
local function announce(key)
  redis.pcall('PUBLISH', string.match(key, '^(.*):{%d+}:') .. ':ev', string.match(key, '[^:]*$'))
end
