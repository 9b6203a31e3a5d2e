-- Notifies processes that watch requests of the user with this record, or with this index of API keys, of a revocation. The name
-- of the key determines the channel. If the account may not publish, processes find out by polling.
local function announce(key)
  redis.pcall('PUBLISH', string.match(key, '^(.*):{%d+}:') .. ':ev', string.match(key, '[^:]*$'))
end
