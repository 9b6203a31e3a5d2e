-- Changes what is said of an API key. One script, because its expiry and the index must agree.
-- KEYS[1] hash: the key. KEYS[2] hash: the owner's index.
-- ARGV[1] id. ARGV[2] what: see key_patch. ARGV[3] name. ARGV[4] scopes. ARGV[5] metadata. ARGV[6] rule.
-- Reply: packed: 0 where there is no such key; or 1 and as key_view.
local key, ring, id = KEYS[1], KEYS[2], ARGV[1]
local _, epoch = ring_read(ring)
local k = key_read(key, epoch)
if not k then return struct.pack('>I1', 0) end
if k.state then quota_read(k.state) end
key_patch(key, k, 2)
key_write(key, k)
-- One whose new expiry is long past is told once more, and is gone with it.
k = key_kept(key, epoch)
local told = key_view(key, k)
key_expire(key, k, ring, id)
-- Another expiry is told in any case: it may have passed.
if struct.unpack('>I1', ARGV[2]) >= 16 then announce(ring) end
return struct.pack('>I1', 1) .. told
