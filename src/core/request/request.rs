//! Requests and logins as a store receives them, and the decisions on them.

use crate::core::base::limits::MAX_INTEGER;
use crate::core::base::owned::own;
use crate::core::base::reason::{Reason, Reasons};
use crate::core::quota::charge::Charge;
use crate::core::quota::state::Consumption;
use crate::core::revocation::epoch::Issued;
use crate::core::revocation::lead::Ahead;
use crate::core::session::rule::AdmissionRule;
use crate::core::session::session::{Session, SessionTimes};
use std::borrow::Cow;

/// A generation that no epoch reaches.
const NEWEST: u64 = MAX_INTEGER;

/// Whether a decision checks the session, and whether it admits a session that was never seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionCheck {
    /// Sessions are not checked.
    Skip,
    /// The session must have been admitted.
    Explicit,
    /// A session that was never seen is admitted in the same step.
    FirstUse,
}

/// One request: a token, its session, and the required scopes.
#[derive(Clone, Debug)]
pub struct Decide<'a> {
    /// The user id, as `req.auth.userId` returns it.
    pub user: Cow<'a, str>,
    /// The token's key (docs/layout.md), under which a revocation is stored.
    pub token: Cow<'a, [u8]>,
    /// When it was issued.
    pub issued: Issued,
    /// The issuer. Empty: this app, or the first configured issuer.
    pub issuer: Cow<'a, str>,
    /// The session that the token belongs to.
    pub session: Cow<'a, str>,
    /// Whether the session is checked.
    pub check: SessionCheck,
    /// The rule for admission by first use.
    pub rule: AdmissionRule,
    /// Whether the token has the scopes that the route requires.
    pub scope_ok: bool,
    /// False if this request has touched the session already.
    pub touch: bool,
    /// The charge of the request.
    pub charge: Option<Charge<'a>>,
}

/// Admits a session explicitly.
#[derive(Clone, Debug)]
pub struct Admit<'a> {
    /// The user id.
    pub user: Cow<'a, str>,
    /// The session id.
    pub session: Cow<'a, str>,
    /// Device data, a JSON object, stored unchanged.
    pub device: Option<Cow<'a, str>>,
    /// The rules.
    pub rule: AdmissionRule,
}

/// The answer to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// `Allowed`, or the first reason to deny.
    pub reason: Reason,
    /// Every reason that denies on its own.
    pub would_deny: Reasons,
    /// The session, if it was checked and the request is allowed.
    pub session: Option<SessionView>,
    /// This step admitted the session.
    pub admitted: bool,
    /// The ids of the evicted sessions.
    pub evicted: Vec<String>,
    /// The quota, if there is a charge and no earlier reason denies.
    pub quota: Option<Consumption>,
    /// The lead, if the token was allowed and its issuer's clock is ahead of the store's clock.
    pub ahead: Option<Box<Ahead>>,
}

/// The data of a session for its request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionView {
    /// Number of live sessions of the user, including this session.
    pub active: u64,
    /// The limit, if there is one.
    pub limit: Option<u64>,
    /// The session's instants.
    pub times: SessionTimes,
    /// Its last activity before this request, in milliseconds.
    pub previous_active_ms: u64,
}

/// The answer to an admission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admission {
    /// `Allowed`, `SessionLimit`, `SessionEnded` or `UserBlocked`.
    pub reason: Reason,
    /// The session, if it was admitted or was live already.
    pub session: Option<Session>,
    /// It was live already.
    pub existing: bool,
    /// Number of live sessions afterwards.
    pub active: u64,
    /// The limit, if there is one.
    pub limit: Option<u64>,
    /// The evicted sessions.
    pub evicted: Vec<Session>,
    /// Time until a retry may succeed, in milliseconds; `None`: unknown.
    pub retry_after_ms: Option<u64>,
}

impl<'a> Decide<'a> {
    /// A decision without a token, so that no reason of a token can deny it.
    #[must_use]
    pub const fn without_token(user: Cow<'a, str>, rule: AdmissionRule) -> Self {
        Self {
            user,
            token: Cow::Borrowed(b""),
            issued: Issued::Own { generation: NEWEST },
            issuer: Cow::Borrowed(""),
            session: Cow::Borrowed(""),
            check: SessionCheck::Skip,
            rule,
            scope_ok: true,
            touch: false,
            charge: None,
        }
    }

    /// The same decision, owning what it names.
    #[must_use]
    pub fn into_owned(self) -> Decide<'static> {
        Decide {
            user: own(self.user),
            token: own(self.token),
            session: own(self.session),
            issued: self.issued,
            issuer: own(self.issuer),
            check: self.check,
            rule: self.rule,
            scope_ok: self.scope_ok,
            touch: self.touch,
            charge: self.charge.map(|c| Charge { key: own(c.key), ..c }),
        }
    }
}

impl Admit<'_> {
    /// The same, owning what it names.
    #[must_use]
    pub fn into_owned(self) -> Admit<'static> {
        let Self { user, session, device, rule } = self;
        Admit { user: own(user), session: own(session), device: device.map(own), rule }
    }
}

impl Decision {
    /// A decision that these reasons deny, or an allowed decision if there are none.
    #[must_use]
    pub fn of(would_deny: Reasons) -> Self {
        Self {
            reason: would_deny.first(),
            would_deny,
            session: None,
            admitted: false,
            evicted: Vec::new(),
            quota: None,
            ahead: None,
        }
    }

    /// Adds reasons to deny.
    pub fn deny_as_well(&mut self, reasons: Reasons) {
        self.would_deny.join(reasons);
        self.reason = self.would_deny.first();
        if self.reason != Reason::Allowed {
            self.session = None;
            self.admitted = false;
            self.evicted.clear();
            self.ahead = None;
        }
    }

    /// Whether the request learns the remaining units: at most a quota denies it.
    #[must_use]
    pub fn may_tell_quotas(&self) -> bool {
        matches!(self.reason, Reason::Allowed | Reason::QuotaExhausted)
    }
}
