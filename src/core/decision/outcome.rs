//! Decisions as they are asked for and told: what can be said of one without a record.

use crate::core::api_key::ops::KeyAnswer;
use crate::core::base::reason::{Reason, Reasons};
use crate::core::op::{
    AdmissionRule, Charge, Decide, Decision, Issued, SessionCheck, Verdict, own,
};
use std::borrow::Cow;

/// A generation that no epoch reaches.
const NEWEST: u64 = (1 << 53) - 1;

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

impl Verdict {
    /// The decision in it, where it is one.
    #[must_use]
    pub const fn decision(&self) -> Option<&Decision> {
        match self {
            Self::Decision(decision) => Some(decision),
            Self::ApiKey(KeyAnswer::Used(used)) => Some(&used.decision),
            _ => None,
        }
    }

    /// The same, to be changed.
    pub const fn decision_mut(&mut self) -> Option<&mut Decision> {
        match self {
            Self::Decision(decision) => Some(decision),
            Self::ApiKey(KeyAnswer::Used(used)) => Some(&mut used.decision),
            _ => None,
        }
    }

    /// Whether it lets a request through.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        self.decision().is_some_and(|decision| decision.reason == Reason::Allowed)
    }
}
