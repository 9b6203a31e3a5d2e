//! Whether a credential that was let through still stands: what a later act of the same request asks for
//! in its own step. Nothing is touched, nothing admitted.

use crate::core::api_key::key::Digest;
use crate::core::api_key::ops::{KeyAnswer, KeyOp};
use crate::core::base::clock::Now;
use crate::core::base::reason::{Reason, Reasons};
use crate::core::op::{Act, Issued, SessionCheck, Verdict};
use crate::core::record::UserRecord;
use std::borrow::Cow;

/// A credential that a decision let through: a token, an API key, or a key beside a token of its owner. Of a
/// key alone only a block of its owner counts besides.
#[derive(Clone, Debug, Default)]
pub struct Credential<'a> {
    /// The token.
    pub token: Option<TokenCredential<'a>>,
    /// The API key.
    pub key: Option<KeyCredential<'a>>,
}

/// A token that was let through.
#[derive(Clone, Debug)]
pub struct TokenCredential<'a> {
    /// The token's key (docs/layout.md), under which it may stand revoked.
    pub token: Cow<'a, [u8]>,
    /// When it was issued.
    pub issued: Issued,
    /// The session that the token belongs to.
    pub session: Cow<'a, str>,
    /// Whether the session is looked at. By now it must live, by first use too.
    pub check: SessionCheck,
}

/// An API key that was let through. The user is its owner.
#[derive(Clone, Debug)]
pub struct KeyCredential<'a> {
    /// Its id.
    pub id: Cow<'a, str>,
    /// The SHA-256 of what was presented.
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

impl Act<'_> {
    /// Whose credentials may have fallen by it: something of the user was revoked, ended, evicted or blocked. Rather
    /// once too often.
    #[must_use]
    pub fn fells(&self, verdict: &Verdict) -> Option<&str> {
        let fells = match (self, verdict) {
            (Self::RevokeToken { .. } | Self::RevokeUser { .. } | Self::BlockUser { .. }, _) => {
                true
            }
            (Self::End { .. }, Verdict::Flag(ended)) => *ended,
            (Self::EndAll { .. }, Verdict::Count(ended)) => *ended > 0,
            (Self::Admit(_), Verdict::Admission(admission)) => !admission.evicted.is_empty(),
            (Self::Family(_), Verdict::Family(answer)) => answer.fells(),
            (Self::Decide(_), Verdict::Decision(decision)) => !decision.evicted.is_empty(),
            (Self::ApiKey(KeyOp::Use(_)), Verdict::ApiKey(KeyAnswer::Used(used))) => {
                !used.decision.evicted.is_empty()
            }
            (
                Self::ApiKey(KeyOp::Revoke(_) | KeyOp::Rotate { .. }),
                Verdict::ApiKey(KeyAnswer::Done(done)),
            ) => *done,
            (Self::ApiKey(KeyOp::Update { patch, .. }), Verdict::ApiKey(_)) => {
                patch.expires_ms.is_some()
            }
            _ => false,
        };
        self.user().filter(|_| fells)
    }
}

impl UserRecord {
    /// What stands first against a credential, `Allowed` where nothing does.
    pub fn against(
        &mut self,
        credential: &Credential<'_>,
        horizon_ms: u64,
        now: Now<'_>,
    ) -> Reason {
        self.horizon_ms = self.horizon_ms.max(horizon_ms);
        self.expire_sessions(now);
        self.stands_against(credential, now.ms()).first()
    }

    /// What stands against a credential now, its session included. Sessions that have timed out must have
    /// been ended before.
    pub(crate) fn stands_against(&self, credential: &Credential<'_>, now_ms: u64) -> Reasons {
        let mut reasons = self.blocked(now_ms);
        if let Some(TokenCredential { token, issued, session, check }) = &credential.token {
            reasons.join(self.standing(token, Some(*issued), now_ms));
            if *check != SessionCheck::Skip && !self.sessions.contains(session) {
                let ended = self.ended.contains(session, now_ms);
                reasons.add(if ended { Reason::SessionEnded } else { Reason::SessionUnknown });
            }
        }
        if let Some(KeyCredential { id, digest }) = &credential.key {
            reasons.join(self.key_standing(id, digest, now_ms));
        }
        reasons
    }

    fn blocked(&self, now_ms: u64) -> Reasons {
        let mut reasons = Reasons::default();
        if self.revocations.as_ref().is_some_and(|revocations| revocations.is_blocked(now_ms)) {
            reasons.add(Reason::UserBlocked);
        }
        reasons
    }
}
