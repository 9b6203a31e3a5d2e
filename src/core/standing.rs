//! Whether a credential that was let through still stands: what a later act of the same request asks for
//! in its own step. Nothing is touched, nothing admitted.

use super::op::{Issued, SessionCheck};
use super::reason::{Reason, Reasons};
use super::record::UserRecord;
use std::borrow::Cow;

/// A credential that a decision let through.
#[derive(Clone, Debug)]
pub struct Credential<'a> {
    /// The token's key (docs/layout.md), under which it may stand revoked.
    pub token: Cow<'a, [u8]>,
    /// When it was issued.
    pub issued: Issued,
    /// The session that the token belongs to.
    pub session: Cow<'a, str>,
    /// Whether the session is looked at. By now it must live, by first use too.
    pub check: SessionCheck,
}

impl Credential<'_> {
    /// The same, owning what it names.
    #[must_use]
    pub fn into_owned(self) -> Credential<'static> {
        Credential {
            token: Cow::Owned(self.token.into_owned()),
            issued: self.issued,
            session: Cow::Owned(self.session.into_owned()),
            check: self.check,
        }
    }
}

impl UserRecord {
    /// What stands against a credential now, its session included. Sessions that have timed out must have
    /// been ended before.
    pub(super) fn stands_against(&self, credential: &Credential<'_>, now_ms: u64) -> Reasons {
        let Credential { token, issued, session, check } = credential;
        let mut reasons = self.standing(token, Some(*issued), now_ms);
        if *check != SessionCheck::Skip && !self.sessions.contains(session) {
            let ended = self.ended.contains(session, now_ms);
            reasons.add(if ended { Reason::SessionEnded } else { Reason::SessionUnknown });
        }
        reasons
    }
}
