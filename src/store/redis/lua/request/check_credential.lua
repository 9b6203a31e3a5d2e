-- Checks whether a credential is still valid. One script, because the validity is one question.
-- KEYS[1] to KEYS[4] and ARGV[1] to ARGV[5]: the credential.
-- Reply: U8: the reasons against it (see credential_reasons).
--- @include "base/prelude.lua"
--- @include "request/credential.lua"
--- @include "base/value.lua"
--- @include "record/record.lua"
--- @include "api_key/key.lua"
--- @include "request/credential_reasons.lua"

return struct.pack(U8, credential_reasons())
