//! The place of a token in an HTTP header.

use crate::core::base::reason::Reason;

/// Returns the token of `Authorization: Bearer x` (RFC 6750 §2.1). The case of the scheme is ignored (RFC 9110
/// §11.1), and exactly one space follows it.
///
/// # Errors
/// `CredentialsRequired` for another scheme, `HeaderUnreadable` for a malformed bearer credential.
pub fn bearer(header: &str) -> Result<&str, Reason> {
    let (scheme, rest) = header.split_at_checked(6).ok_or(Reason::CredentialsRequired)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Reason::CredentialsRequired);
    }
    match rest.as_bytes().first() {
        Some(b' ') => {}
        None | Some(b'\t') => return Err(Reason::HeaderUnreadable),
        Some(_) => return Err(Reason::CredentialsRequired),
    }
    let token = &rest[1..];
    if token.is_empty() || memchr::memchr2(b' ', b',', token.as_bytes()).is_some() {
        return Err(Reason::HeaderUnreadable);
    }
    Ok(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_a_token_or_no_credential_or_unreadable() {
        assert_eq!(bearer("Bearer abc"), Ok("abc"));
        assert_eq!(bearer("bEARER a.b-c_~+/="), Ok("a.b-c_~+/="));
        for other in ["", "Basic dXNlcg==", "Bear", "Bearerabc", "BearerX abc", "Digest a, b"] {
            assert_eq!(bearer(other), Err(Reason::CredentialsRequired), "{other:?}");
        }
        for bad in [
            "Bearer",
            "Bearer ",
            "Bearer  a",
            "Bearer a b",
            "Bearer a,b",
            "Bearer\ta",
            "Bearer a, Bearer b",
        ] {
            assert_eq!(bearer(bad), Err(Reason::HeaderUnreadable), "{bad:?}");
        }
        assert_eq!(bearer("Bea\u{e9}er x"), Err(Reason::CredentialsRequired));
    }
}
