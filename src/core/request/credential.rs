//! A credential that a decision allowed, to be checked again in a later step of the same request.

use super::request::SessionCheck;
use crate::core::base::digest::Digest;
use crate::core::revocation::epoch::Issued;
use std::borrow::Cow;

/// A credential that a decision allowed: a token, an API key, or a key with a token of its owner. For a key alone, a block
/// of its owner counts in addition.
#[derive(Clone, Debug, Default)]
pub struct Credential<'a> {
    /// The token.
    pub token: Option<TokenCredential<'a>>,
    /// The API key.
    pub key: Option<KeyCredential<'a>>,
}

/// An allowed token.
#[derive(Clone, Debug)]
pub struct TokenCredential<'a> {
    /// The token's key (docs/layout.md), under which a revocation is stored.
    pub token: Cow<'a, [u8]>,
    /// When it was issued.
    pub issued: Issued,
    /// The session that the token belongs to.
    pub session: Cow<'a, str>,
    /// Whether the session is checked. By now it must be live, for first use too.
    pub check: SessionCheck,
}

/// An allowed API key. The user is its owner.
#[derive(Clone, Debug)]
pub struct KeyCredential<'a> {
    /// Its id.
    pub id: Cow<'a, str>,
    /// The SHA-256 of the presented key.
    pub digest: Digest,
}

impl Credential<'_> {
    /// The same, owning what it names.
    #[must_use]
    pub fn into_owned(self) -> Credential<'static> {
        let token = self.token.map(|token| TokenCredential {
            token: Cow::Owned(token.token.into_owned()),
            session: Cow::Owned(token.session.into_owned()),
            ..token
        });
        let key = self
            .key
            .map(|key| KeyCredential { id: Cow::Owned(key.id.into_owned()), digest: key.digest });
        Credential { token, key }
    }
}
