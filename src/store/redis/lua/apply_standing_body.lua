
if credential_deny() > 0 then return '\4' end
