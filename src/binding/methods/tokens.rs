//! The methods for access tokens, and for users whose credentials end.

use super::NativeAuth;
use crate::binding::convert::{Result, error, to_id, to_integer, to_optional_ms};
use crate::binding::flows::continuation::Continuation;
use crate::binding::results::result::flag;
use crate::binding::runtime::auth::NowOrLater;
use crate::binding::runtime::slots::enter;
use crate::core::base::error::Fault;
use crate::core::op::Act;
use crate::tokens::identity::{TokenName, token_key};
use crate::tokens::jwt::issue::Request;
use napi::bindgen_prelude::Either;
use napi_derive::napi;
use std::borrow::Cow;

/// How much longer than its token a revocation is remembered, beyond the tolerance: processes whose
/// clocks differ, and the step between two checks, must not bring a token back.
const REVOCATION_MARGIN_MS: u64 = 60_000;

#[napi]
impl NativeAuth {
    #[napi]
    pub fn issue(
        &self,
        user_id: String,
        session_id: Option<String>,
        claims_json: Option<String>,
        scope: Option<String>,
        ttl_ms: f64,
    ) -> Result<NowOrLater> {
        let user = to_id("userId", user_id)?;
        let session = session_id.map(|session| to_id("sessionId", session)).transpose()?;
        let ttl_ms = to_integer("ttl", ttl_ms, 1).map_err(error)?;
        let act = Act::NextGeneration { user: Cow::Owned(user.clone()) };
        let request = Request { user, session, claims: claims_json, scope, ttl_ms, login: false };
        enter(&self.runtime, |runtime| {
            if !runtime.tokens.can_issue() {
                return Err(error(Fault::config(
                    "no key to sign with is configured: give jwt.secret or jwt.privateKey",
                )));
            }
            runtime.submit(act, Continuation::Issue(request))
        })
    }

    #[napi]
    pub fn revoke(&self, token: String) -> Result<NowOrLater> {
        let found = enter(&self.runtime, |runtime| {
            let now_ms = runtime.tokens.now_ms();
            let tolerance_ms = runtime.tokens.rules.tolerance_ms;
            let token = runtime.tokens.verifier()?.identify(&token).ok();
            Ok(token.filter(|token| token.expires_ms.saturating_add(tolerance_ms) > now_ms))
        })?;
        match found {
            Some(token) => self.revoke_key(token.user.into_string(), token.key, token.expires_ms),
            None => Ok(Either::A(flag(false))),
        }
    }

    #[napi]
    pub fn revoke_id(
        &self,
        jti: String,
        user_id: String,
        expires_at: f64,
        iss: Option<String>,
    ) -> Result<NowOrLater> {
        let (user, key) = self.named_token(jti, user_id, iss)?;
        let expires_ms = to_integer("expiresAt", expires_at, 0).map_err(error)?;
        if (100_000_000..100_000_000_000).contains(&expires_ms) {
            return Err(error(Fault::input(
                "expiresAt is in milliseconds since the epoch; this looks like seconds, as in a token's exp",
            )));
        }
        let dead = enter(&self.runtime, |runtime| {
            Ok(expires_ms.saturating_add(runtime.tokens.rules.tolerance_ms)
                <= runtime.tokens.now_ms())
        })?;
        if dead { Ok(Either::A(flag(false))) } else { self.revoke_key(user, key, expires_ms) }
    }

    #[napi]
    pub fn is_revoked(&self, token: String) -> Result<NowOrLater> {
        let found =
            enter(&self.runtime, |runtime| Ok(runtime.tokens.verifier()?.identify(&token).ok()))?;
        match found {
            Some(token) => self.submit(Act::IsRevoked {
                user: Cow::Owned(token.user.into_string()),
                token: Cow::Owned(token.key.into_vec()),
                issued: Some(token.issued),
            }),
            // What does not verify stands for nothing: fail closed.
            None => Ok(Either::A(flag(true))),
        }
    }

    #[napi]
    pub fn is_revoked_id(
        &self,
        jti: String,
        user_id: String,
        iss: Option<String>,
    ) -> Result<NowOrLater> {
        let (user, key) = self.named_token(jti, user_id, iss)?;
        // An id says nothing of when it was issued: where an epoch stands, it has fallen. Fail closed.
        self.submit(Act::IsRevoked {
            user: user.into(),
            token: key.into_vec().into(),
            issued: None,
        })
    }

    #[napi]
    pub fn revoke_user(&self, user_id: String, api_keys: bool) -> Result<NowOrLater> {
        let user = to_id("userId", user_id)?;
        let lead = self.runtime.borrow().tokens.rules.lead_of(&user);
        self.submit(Act::RevokeUser { user: user.into(), keys: api_keys, lead })
    }

    #[napi]
    pub fn block_user(&self, user_id: String, until: f64) -> Result<NowOrLater> {
        let user = to_id("userId", user_id)?;
        let until_ms = to_optional_ms("until", until)?;
        let lead = self.runtime.borrow().tokens.rules.lead_of(&user);
        self.submit(Act::BlockUser { user: user.into(), until_ms, lead })
    }

    #[napi]
    pub fn unblock_user(&self, user_id: String) -> Result<NowOrLater> {
        self.submit(Act::UnblockUser { user: to_id("userId", user_id)?.into() })
    }

    #[napi]
    pub fn is_blocked(&self, user_id: String) -> Result<NowOrLater> {
        self.submit(Act::IsBlocked { user: to_id("userId", user_id)?.into() })
    }
}

impl NativeAuth {
    fn revoke_key(&self, user: String, key: Box<[u8]>, expires_ms: u64) -> Result<NowOrLater> {
        let tolerance_ms = self.runtime.borrow().tokens.rules.tolerance_ms;
        let until_ms = expires_ms.saturating_add(tolerance_ms).saturating_add(REVOCATION_MARGIN_MS);
        self.submit(Act::RevokeToken { user: user.into(), token: key.into_vec().into(), until_ms })
    }

    /// The user and the key of a token named by its id; with several issuers the issuer must be named.
    fn named_token(
        &self,
        jti: String,
        user_id: String,
        iss: Option<String>,
    ) -> Result<(String, Box<[u8]>)> {
        let (jti, user) = (to_id("jti", jti)?, to_id("userId", user_id)?);
        let runtime = self.runtime.borrow();
        let issuers = &runtime.tokens.rules.issuers;
        let issuer = match (&iss, issuers.len()) {
            (None, 0 | 1) => Some(0),
            (None, _) => {
                return Err(error(Fault::input(
                    "iss is required where jwt.issuer lists several: the same jti may come from each",
                )));
            }
            (Some(iss), _) => runtime.tokens.rules.issuer_index(Some(iss)),
        };
        let issuer = issuer.ok_or_else(|| error(Fault::input("iss is not one of jwt.issuer")))?;
        Ok((user, token_key(issuers, issuer, TokenName::Jti(&jti))))
    }
}
