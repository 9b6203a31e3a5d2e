-- Changes what is said of an API key. One script, because its expiry and the index must agree.
-- KEYS[1] hash: the key. KEYS[2] hash: the owner's index.
-- ARGV[1] id. ARGV[2] what: see key_patch. ARGV[3] name. ARGV[4] scopes. ARGV[5] metadata. ARGV[6] rule. ARGV[7] 1 where
--   the pointer of an imported key was told that its expiry is about to be changed. ARGV[8] owner.
-- Reply: packed: 0 where there is no such key; 1 and as key_view; 2 and the SHA-256 of an imported key whose pointer must
--   be told first: nothing was done; 3, the version of the expiry, when the record may be gone (ms), the SHA-256, and as
--   key_view: its pointer is to be told.
local key, ring, id = KEYS[1], KEYS[2], ARGV[1]
local _, epoch = ring_read(ring)
local k = key_read(key, epoch, ARGV[8])
if not k then return struct.pack('>I1', 0) end
local found = redis.call('HMGET', key, 'i', 'e')
local pointed = struct.unpack('>I1', ARGV[2]) >= 16 and ours(found[1], 32)
local version = ours(found[2], 7)
if pointed and ARGV[7] ~= '1' then return struct.pack('>I1', 2) .. pointed end
if k.state then quota_read(k.state) end
key_patch(key, k, 2)
key_write(key, k)
-- One whose new expiry is long past is told once more, and is gone with it.
k = key_kept(key, epoch, ARGV[8])
local told, changed = key_view(key, k), struct.pack('>I1', 1)
if pointed then
  version = (version and struct.unpack('>I7', version) or 0) + 1
  redis.call('HSET', key, 'e', struct.pack('>I7', version))
  changed = struct.pack('>I1I7I6', 3, version, k.ends < NEVER and k.ends + KEPT or NEVER) .. pointed
end
key_expire(key, k, ring, id)
-- Another expiry is told in any case: it may have passed.
if struct.unpack('>I1', ARGV[2]) >= 16 then announce(ring) end
return changed .. told
