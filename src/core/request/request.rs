//! Requests and logins as a store receives them, and the decisions on them.

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
const NEWEST: u64 = (1 << 53) - 1;

/// Whether a decision looks at the session, and what it does with one that it has never seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionCheck {
    /// Sessions are not looked at.
    Skip,
    /// The session must have been admitted.
    Explicit,
    /// A session never seen before is admitted in the same step.
    FirstUse,
}

/// One request: does this token, in this session, with these scopes, pass?
#[derive(Clone, Debug)]
pub struct Decide<'a> {
    /// The user id, as `req.auth.userId` says it.
    pub user: Cow<'a, str>,
    /// The token's key (docs/layout.md), under which it may stand revoked.
    pub token: Cow<'a, [u8]>,
    /// When it was issued.
    pub issued: Issued,
    /// Who issued it; empty: we, or the first issuer that is configured.
    pub issuer: Cow<'a, str>,
    /// The session that the token belongs to.
    pub session: Cow<'a, str>,
    /// Whether the session is looked at.
    pub check: SessionCheck,
    /// For admission by first use.
    pub rule: AdmissionRule,
    /// Whether the token carries the scopes that the route demands.
    pub scope_ok: bool,
    /// False where this request has touched the session already.
    pub touch: bool,
    /// What it is charged.
    pub charge: Option<Charge<'a>>,
}

/// Admits a session explicitly.
#[derive(Clone, Debug)]
pub struct Admit<'a> {
    /// The user id.
    pub user: Cow<'a, str>,
    /// The session id.
    pub session: Cow<'a, str>,
    /// Device data, a JSON object; kept as it is.
    pub device: Option<Cow<'a, str>>,
    /// The rules.
    pub rule: AdmissionRule,
}

/// What a decision found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// `Allowed`, or the first reason to deny.
    pub reason: Reason,
    /// Every reason that would have denied on its own.
    pub would_deny: Reasons,
    /// The session, where it was looked at and the request is allowed.
    pub session: Option<SessionView>,
    /// The session was admitted by this very step.
    pub admitted: bool,
    /// The ids of the sessions that made room for it.
    pub evicted: Vec<String>,
    /// The quota, where one is charged and nothing before it denies.
    pub quota: Option<Consumption>,
    /// The token was let through and is of a clock ahead of ours.
    pub ahead: Option<Box<Ahead>>,
}

/// What a request is told about its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionView {
    /// Live sessions of the user, this one among them.
    pub active: u64,
    /// The limit, if there is one.
    pub limit: Option<u64>,
    /// The session's instants.
    pub times: SessionTimes,
    /// When it was active before this request, in milliseconds.
    pub previous_active_ms: u64,
}

/// What an admission came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admission {
    /// `Allowed`, `SessionLimit`, `SessionEnded` or `UserBlocked`.
    pub reason: Reason,
    /// The session, where it was admitted or was live already.
    pub session: Option<Session>,
    /// It was live already.
    pub existing: bool,
    /// Live sessions afterwards.
    pub active: u64,
    /// The limit, if there is one.
    pub limit: Option<u64>,
    /// The sessions that made room.
    pub evicted: Vec<Session>,
    /// Earliest instant at which asking again may help, from now, in milliseconds; `None`: unknown.
    pub retry_after_ms: Option<u64>,
}

impl<'a> Decide<'a> {
    /// A decision without a token, of which nothing can stand against one.
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
    /// One that these reasons deny, or none.
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

    /// Denies for these reasons too.
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

    /// Whether a request is told what is left: nothing but a quota denies.
    #[must_use]
    pub fn may_tell_quotas(&self) -> bool {
        matches!(self.reason, Reason::Allowed | Reason::QuotaExhausted)
    }
}
