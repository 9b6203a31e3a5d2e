//! The methods for logins and refresh tokens.

use super::NativeAuth;
use crate::binding::config;
use crate::binding::convert::{Result, error, to_id, to_integer};
use crate::binding::flows::token::{TokenFlow, WantedToken};
use crate::binding::results::result::flag;
use crate::binding::runtime::auth::NowOrLater;
use crate::binding::runtime::slots::enter;
use crate::binding::runtime::token_steps::refused;
use crate::core::family::ops::{FamilyKey, Login, NewFamily};
use crate::core::op::Act;
use crate::core::request::request::{Admit, SessionCheck};
use crate::tokens::jwt::issue::{Request, random_id};
use crate::tokens::opaque::refresh_token::RefreshToken;
use crate::tokens::request::fingerprint::login_request;
use napi::bindgen_prelude::Either;
use napi_derive::napi;

/// A login, as JavaScript asks for it.
#[napi(object, object_to_js = false)]
pub struct LoginConfig {
    pub user_id: String,
    pub request_id: Option<String>,
    pub session_id: Option<String>,
    /// A JSON object.
    pub device: Option<String>,
    /// NaN and infinity: none.
    pub limit: f64,
    pub evict_oldest: bool,
    pub idle_ms: f64,
    pub absolute_ms: f64,
    pub said: TokenConfig,
    pub refresh_ttl_ms: f64,
}

/// What new tokens are to be like.
#[napi(object, object_to_js = false)]
pub struct TokenConfig {
    /// A JSON object.
    pub claims: Option<String>,
    /// Scopes with spaces between them.
    pub scope: Option<String>,
    pub ttl_ms: f64,
    pub grace_ms: f64,
}

/// What the access token says, and the grace window.
fn said(config: TokenConfig, user: String) -> Result<(Request, u64)> {
    let TokenConfig { claims, scope, ttl_ms, grace_ms } = config;
    let ttl_ms = to_integer("accessTtl", ttl_ms, 1).map_err(error)?;
    let grace_ms = to_integer("refresh.graceWindow", grace_ms, 0).map_err(error)?;
    Ok((Request { user, session: None, claims, scope, ttl_ms, login: true }, grace_ms))
}

#[napi]
impl NativeAuth {
    /// Admits a session and begins its refresh family: `admission`, and where it was admitted `grant`.
    #[napi]
    pub fn login(&self, config: LoginConfig) -> Result<NowOrLater> {
        let user = to_id("userId", config.user_id)?;
        let given = config.session_id.is_some();
        let session = match config.session_id {
            Some(session) => to_id("sessionId", session)?,
            None => random_id().map_err(error)?,
        };
        let request_id =
            config.request_id.map(|request| to_id("requestId", request)).transpose()?;
        let LoginConfig { limit, evict_oldest, idle_ms, absolute_ms, .. } = config;
        let hard_limit = self.runtime.borrow().rule.hard_limit;
        let rule =
            config::rule(limit, evict_oldest, idle_ms, absolute_ms, hard_limit).map_err(error)?;
        let ttl_ms = to_integer("refresh.ttl", config.refresh_ttl_ms, 1).map_err(error)?;
        let (mut request, grace_ms) = said(config.said, user.clone())?;
        request.session = Some(session.clone());
        let login = Login {
            request: request_id.map(|request| login_request(&user, &request)),
            admit: Admit {
                user: user.into(),
                session: session.into(),
                device: config.device.map(Into::into),
                rule,
            },
            given,
            family: NewFamily {
                id: [0; 16],
                key: FamilyKey([0; 32]),
                branch: 0,
                digest: [0; 32],
                ttl_ms,
                claims: request.claims.clone().map(Into::into),
                scope: request.scope.clone().map(Into::into),
            },
            grace_ms,
        };
        enter(&self.runtime, |runtime| {
            // A login whose access token cannot be signed must not change anything.
            runtime.tokens.check_request(&request).map_err(error)?;
            let flow = TokenFlow::login(Box::new(login), request).map_err(error)?;
            runtime.start_token_flow(flow)
        })
    }

    /// Uses a refresh token: `grant`, or `refusal`.
    #[napi]
    pub fn refresh(&self, token: String, config: TokenConfig) -> Result<NowOrLater> {
        let (request, grace_ms) = said(config, String::new())?;
        enter(&self.runtime, |runtime| {
            runtime.tokens.assert_can_issue()?;
            let Some(token) = RefreshToken::read(&token) else {
                return Ok(Either::A(refused("invalid", None)));
            };
            runtime.start_token_flow(TokenFlow::with(
                token,
                WantedToken::Refresh { request, grace_ms },
            ))
        })
    }

    /// Ends the session of a refresh token, or of an access token whose signature is good; revokes an access token whose
    /// session is not looked at.
    #[napi]
    pub fn logout(&self, token: String) -> Result<NowOrLater> {
        if let Some(token) = RefreshToken::read(&token) {
            let flow = TokenFlow::with(token, WantedToken::Logout);
            return enter(&self.runtime, |runtime| runtime.start_token_flow(flow));
        }
        let found = enter(&self.runtime, |runtime| {
            let found = runtime.tokens.verifier()?.identify(&token).ok();
            Ok(found.map(|token| {
                let check = runtime.tokens.session_check(&token);
                (token, check)
            }))
        })?;
        match found {
            None => Ok(Either::A(flag(false))),
            Some((_, SessionCheck::Skip)) => self.revoke(token),
            Some((token, _)) => self.submit(Act::End {
                user: token.user.into_string().into(),
                session: token.session.into_string().into(),
            }),
        }
    }
}
