-- Takes the name of a key that is about to be imported, for a minute. One script, because of two who import one key
-- only one may.
-- KEYS[1] string: the pointer.
-- ARGV[1] id and owner. ARGV[2] the same of a holder whose key is kept no longer, or empty.
-- Reply: packed: 0 where it was taken; 1 and who holds it; or 2 where another import is under way, of which nobody may
--   conclude that its key is gone: it may be to come.
--- @include "base/prelude.lua"
--- @include "api_key/index_entry.lua"
local p = pointer_read(KEYS[1])
if p and p.kind == IMPORTING then return struct.pack(U8, CLAIM_PENDING) end
if p and p.place ~= ARGV[2] then return struct.pack(U8, CLAIM_HELD) .. p.place end
redis.call('SET', KEYS[1], struct.pack(POINTER, IMPORTING, 0, 0, NEVER) .. ARGV[1], 'PX', IMPORT_CLAIM)
return struct.pack(U8, CLAIM_DONE)
