-- Claims the name of an API key that is about to be imported, for one minute. One script, because only one of two imports
-- of the same key may proceed.
-- KEYS[1] string: the index entry of the imported key.
-- ARGV[1] id and owner. ARGV[2] id and owner of a holder whose key is no longer kept, or empty.
-- Reply: one byte: CLAIM_DONE; CLAIM_HELD, then the holder; or CLAIM_PENDING while another import is in progress. A pending
--   key may still be stored, so the caller must not conclude that it is gone.
--- @include "base/prelude.lua"
--- @include "api_key/index_entry.lua"
local p = pointer_read(KEYS[1])
if p and p.kind == IMPORTING then return struct.pack(U8, CLAIM_PENDING) end
if p and p.place ~= ARGV[2] then return struct.pack(U8, CLAIM_HELD) .. p.place end
redis.call('SET', KEYS[1], struct.pack(POINTER, IMPORTING, 0, 0, NEVER) .. ARGV[1], 'PX', IMPORT_CLAIM)
return struct.pack(U8, CLAIM_DONE)
