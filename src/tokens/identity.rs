//! The identity of a token: the user id and the token's key. Both are scoped by issuer, so the same `sub` or
//! `jti` of two issuers gives two identities. docs/layout.md fixes the formats.

use std::borrow::Cow;

/// Longest id, in bytes of UTF-8.
pub const MAX_ID: usize = 512;

/// Returns the user id of a `sub` from the issuer at that place. For the first issuer (the issuer that this
/// Auth signs for) it is `sub` itself, for the others `iss + ' ' + sub`. `None`: a `sub` of the first issuer
/// has the form of a user id of another issuer.
#[must_use]
pub fn user_id<'a>(issuers: &[String], issuer: usize, sub: &'a str) -> Option<Cow<'a, str>> {
    if issuer == 0 {
        return (issuer_of(issuers, sub) == 0).then_some(Cow::Borrowed(sub));
    }
    Some(Cow::Owned(format!("{} {sub}", issuers[issuer])))
}

/// Returns the place of the issuer that a user id belongs to.
#[must_use]
pub fn issuer_of(issuers: &[String], user: &str) -> usize {
    let is_of =
        |iss: &String| user.strip_prefix(iss.as_str()).is_some_and(|rest| rest.starts_with(' '));
    issuers.iter().skip(1).position(is_of).map_or(0, |place| place + 1)
}

/// The name of a token: its `jti`, or the SHA-256 of its signing input if it has no `jti`. Never a hash of the
/// signature: an ECDSA signature has two valid forms.
#[derive(Clone, Copy, Debug)]
pub enum TokenName<'a> {
    /// The `jti` claim.
    Jti(&'a str),
    /// SHA-256 of `header.payload`.
    Digest(&'a [u8; 32]),
}

/// Returns the key under which the user's record stores a revoked token. It consists of a tag, the issuer
/// (unless it is the first, or there is none) and the name.
#[must_use]
pub fn token_key(issuers: &[String], issuer: usize, name: TokenName<'_>) -> Box<[u8]> {
    let (tag, name): (u8, &[u8]) = match name {
        TokenName::Jti(jti) => (b'j', jti.as_bytes()),
        TokenName::Digest(digest) => (b'h', digest),
    };
    let mut key = Vec::with_capacity(1 + name.len());
    if issuer == 0 {
        key.push(tag);
    } else {
        let issuer = issuers[issuer].as_bytes();
        key.push(tag.to_ascii_uppercase());
        // At most 512 bytes, checked with the options: two bytes hold the length.
        key.extend_from_slice(&u16::try_from(issuer.len()).unwrap_or(u16::MAX).to_be_bytes());
        key.extend_from_slice(issuer);
    }
    key.extend_from_slice(name);
    key.into_boxed_slice()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_of_two_issuers_never_share_an_id() {
        let issuers = vec!["https://a".to_owned(), "https://b".to_owned()];
        assert_eq!(user_id(&issuers, 0, "u").as_deref(), Some("u"));
        assert_eq!(user_id(&issuers, 1, "u").as_deref(), Some("https://b u"));
        assert_eq!(user_id(&issuers, 0, "https://b u"), None, "it would be b's u");
        assert_eq!(user_id(&issuers, 0, "https://b"), Some("https://b".into()));
        assert_eq!(user_id(&issuers, 0, "https://bb u"), Some("https://bb u".into()));
    }

    #[test]
    fn token_keys_of_two_issuers_or_kinds_never_meet() {
        let issuers = vec!["a".to_owned(), "b".to_owned(), "bc".to_owned()];
        let digest = [b'x'; 32];
        let text = "x".repeat(32);
        let keys = [
            token_key(&issuers, 0, TokenName::Jti(&text)),
            token_key(&issuers, 0, TokenName::Digest(&digest)),
            token_key(&issuers, 1, TokenName::Jti(&text)),
            token_key(&issuers, 1, TokenName::Digest(&digest)),
            token_key(&issuers, 2, TokenName::Jti(&text[1..])),
            token_key(&issuers, 1, TokenName::Jti(&format!("c{}", &text[1..]))),
        ];
        for (n, key) in keys.iter().enumerate() {
            assert!(keys.iter().skip(n + 1).all(|other| other != key), "{n}");
        }
        assert_eq!(
            &*token_key(&[], 0, TokenName::Jti("t")),
            b"jt",
            "no issuer is as good as the first"
        );
    }
}
