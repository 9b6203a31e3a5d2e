
if not deny then deny = credential_deny() end
