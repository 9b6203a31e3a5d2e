//! The methods for sessions.

use super::NativeAuth;
use crate::binding::config;
use crate::binding::convert::{Result, error, to_id, to_integer};
use crate::binding::results::session::NativeCursor;
use crate::binding::runtime::auth::NowOrLater;
use crate::core::op::Act;
use crate::core::request::request::Admit;
use crate::core::session::session::Cursor;
use crate::tokens::jwt::issue::random_id;
use napi_derive::napi;
use std::borrow::Cow;

#[napi]
impl NativeAuth {
    #[allow(clippy::too_many_arguments)]
    #[napi]
    pub fn admit(
        &self,
        user_id: String,
        session_id: Option<String>,
        device_json: Option<String>,
        limit: f64,
        evict_oldest: bool,
        idle_ms: f64,
        absolute_ms: f64,
    ) -> Result<NowOrLater> {
        let user = to_id("userId", user_id)?;
        let session = match session_id {
            Some(session) => to_id("sessionId", session)?,
            None => random_id().map_err(error)?,
        };
        let hard_limit = self.runtime.borrow().rule.hard_limit;
        let rule =
            config::rule(limit, evict_oldest, idle_ms, absolute_ms, hard_limit).map_err(error)?;
        self.submit(Act::Admit(Admit {
            user: user.into(),
            session: session.into(),
            device: device_json.map(Cow::Owned),
            rule,
        }))
    }

    #[napi]
    pub fn touch(&self, user_id: String, session_id: String) -> Result<NowOrLater> {
        let (user, session) = (to_id("userId", user_id)?, to_id("sessionId", session_id)?);
        self.submit(Act::Touch { user: user.into(), session: session.into() })
    }

    #[napi]
    pub fn end(&self, user_id: String, session_id: String) -> Result<NowOrLater> {
        let (user, session) = (to_id("userId", user_id)?, to_id("sessionId", session_id)?);
        self.submit(Act::End { user: user.into(), session: session.into() })
    }

    #[napi]
    pub fn end_all(&self, user_id: String, except: Option<String>) -> Result<NowOrLater> {
        let user = to_id("userId", user_id)?;
        let except = except.map(|session| to_id("except", session)).transpose()?;
        self.submit(Act::EndAll { user: user.into(), except: except.map(Cow::Owned) })
    }

    /// A page of the live sessions. `from`: where it begins, as the page before said; none for the first.
    #[napi]
    pub fn list(&self, user_id: String, from: Option<NativeCursor>) -> Result<NowOrLater> {
        let from = match from {
            None => Cursor::START,
            Some(NativeCursor { at, skip }) => Cursor {
                at: to_integer("at", at, 0).map_err(error)?,
                skip: to_integer("skip", skip, 0).map_err(error)?,
            },
        };
        self.submit(Act::List { user: to_id("userId", user_id)?.into(), from })
    }
}
