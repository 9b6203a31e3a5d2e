
local deny = credential_deny()
