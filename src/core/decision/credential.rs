//! Whether a credential that an earlier decision allowed is still valid. A later operation of the same request asks in
//! its own step. Nothing is touched, nothing is admitted.

use super::user_state::UserState;
use crate::core::api_key::set::ApiKeySet;
use crate::core::base::reason::{Reason, Reasons};
use crate::core::request::credential::{Credential, KeyCredential, TokenCredential};
use crate::core::request::request::SessionCheck;

/// The reasons that deny a credential now, its session included. Sessions that have timed out must have ended before.
#[must_use]
pub fn denial_reasons(
    user: &UserState,
    keys: Option<&ApiKeySet>,
    credential: &Credential<'_>,
    now_ms: u64,
) -> Reasons {
    let UserState { sessions, validity, .. } = user;
    let mut reasons = Reasons::default();
    if validity.is_blocked(now_ms) {
        reasons.add(Reason::UserBlocked);
    }
    if let Some(TokenCredential { token, issued, session, check }) = &credential.token {
        reasons.join(validity.denial_reasons(token, Some(*issued), now_ms));
        if *check != SessionCheck::Skip && !sessions.is_live(session) {
            let ended = sessions.has_ended(session, now_ms);
            reasons.add(if ended { Reason::SessionEnded } else { Reason::SessionUnknown });
        }
    }
    if let Some(KeyCredential { id, digest }) = &credential.key {
        match keys {
            Some(keys) => reasons.join(keys.denial_reasons(id, digest, now_ms)),
            None => reasons.add(Reason::KeyUnknown),
        }
    }
    reasons
}
