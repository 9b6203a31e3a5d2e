-- Whether a credential still stands. One script, because what stands is one question.
-- KEYS[1] to KEYS[4] and ARGV[1] to ARGV[5]: the credential.
-- Reply: packed: what stands against it, as credential_reasons says it.
--- @include "base/prelude.lua"
--- @include "request/credential.lua"
--- @include "base/value.lua"
--- @include "record/record.lua"
--- @include "api_key/key.lua"
--- @include "request/credential_reasons.lua"

return struct.pack(U8, credential_reasons())
