
return struct.pack('>I1', credential_deny())
