//! Reads the credentials of a request for an operation that checks them again in the store.

use super::tokens::Tokens;
use crate::binding::convert::{Result, error};
use crate::core::base::error::Fault;
use crate::core::base::reason::Reason;
use crate::core::request::credential::{Credential, KeyCredential, TokenCredential};
use crate::tokens::opaque::api_key;
use std::borrow::Cow;

/// Reads a token, an API key, or both. Checks the expiry of the token by the clock of this process. The inner error is the
/// reason why the store need not be asked.
pub fn presented(
    tokens: &mut Tokens,
    token: Option<&str>,
    key: Option<&str>,
    user: &str,
) -> Result<std::result::Result<Credential<'static>, Reason>> {
    if token.is_none() && key.is_none() {
        return Err(error(Fault::input("a credential is a token, an API key, or both")));
    }
    let mut credential = Credential::default();
    if let Some(key) = key {
        let Some((id, digest)) = api_key::of_owner(key, user) else {
            return Ok(Err(Reason::KeyUnknown));
        };
        credential.key = Some(KeyCredential { id: id.into(), digest });
    }
    if let Some(token) = token {
        match presented_token(tokens, token, user)? {
            Ok(token) => credential.token = Some(token),
            Err(reason) => return Ok(Err(reason)),
        }
    }
    Ok(Ok(credential))
}

fn presented_token(
    tokens: &mut Tokens,
    token: &str,
    user: &str,
) -> Result<std::result::Result<TokenCredential<'static>, Reason>> {
    let now_ms = tokens.now_ms();
    let token = match tokens.verifier()?.verify(token, now_ms) {
        Ok(token) => token,
        Err(Reason::KeysUnavailable) => {
            let why = "jwt.jwksUri does not answer: the key may stand there";
            return Err(error(Fault::unavailable(why)));
        }
        Err(reason) => return Ok(Err(reason)),
    };
    if *token.user != *user {
        return Err(error(Fault::input("auth is another user's")));
    }
    Ok(Ok(TokenCredential {
        token: Cow::Owned(token.key.to_vec()),
        issued: token.issued,
        session: Cow::Owned(token.session.to_string()),
        check: tokens.session_check(&token),
    }))
}
