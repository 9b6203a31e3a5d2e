//! Admission of a session: whether there is room for one more, and who makes it.

use crate::core::base::reason::Reason;
use crate::core::op::{Admission, AdmissionRule, Admit, OnLimit, own};
use crate::core::record::UserRecord;
use crate::core::session::session::{Entry, Session};

impl AdmissionRule {
    /// The limit that is kept.
    #[must_use]
    pub fn most(&self) -> u64 {
        self.limit.unwrap_or(u64::MAX).min(self.hard_limit)
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

impl UserRecord {
    pub(crate) fn admit(&mut self, a: &Admit<'_>, now_ms: u64) -> Admission {
        let limit = a.rule.limit;
        let denied = |record: &Self, reason, retry_after_ms| Admission {
            reason,
            session: None,
            existing: false,
            active: record.sessions.len() as u64,
            limit,
            evicted: Vec::new(),
            retry_after_ms,
        };
        if let Some(revocations) = self.revocations.as_ref().filter(|r| r.is_blocked(now_ms)) {
            return denied(self, Reason::UserBlocked, revocations.block_left_ms(now_ms));
        }
        if self.ended.contains(&a.session, now_ms) {
            return denied(self, Reason::SessionEnded, None);
        }
        let existing = self.sessions.contains(&a.session);
        let mut evicted = Vec::new();
        if existing {
            self.touch(&a.user, &a.session, now_ms);
        } else {
            if !self.has_room(a.rule) {
                // A slot is free once the first of the sessions ends; with a limit of 0 none ever is.
                let first_end = self.sessions.first_end().filter(|_| a.rule.most() > 0);
                let retry = first_end.map(|end| end.saturating_sub(now_ms));
                return denied(self, Reason::SessionLimit, retry);
            }
            evicted = self.evict_for_one(&a.user, a.rule, now_ms);
            self.insert(&a.session, a.rule, a.device.as_deref(), now_ms);
        }
        Admission {
            reason: Reason::Allowed,
            session: self.sessions.get_mut(&a.session).map(|e| e.view(&a.user, &a.session)),
            existing,
            active: self.sessions.len() as u64,
            limit,
            evicted,
            retry_after_ms: None,
        }
    }

    /// Whether one more may be admitted, others making room if the rule says so.
    pub(crate) fn has_room(&self, rule: AdmissionRule) -> bool {
        let limit = rule.most();
        (self.sessions.len() as u64) < limit || (limit > 0 && rule.on_limit == OnLimit::EvictOldest)
    }

    /// Ends as many of the least recently active as must go before one more fits.
    pub(crate) fn evict_for_one(
        &mut self,
        user: &str,
        rule: AdmissionRule,
        now_ms: u64,
    ) -> Vec<Session> {
        let mut evicted = Vec::new();
        while self.sessions.len() as u64 >= rule.most()
            && let Some(id) = self.sessions.oldest()
        {
            evicted.extend(self.sessions.get_mut(&id).map(|entry| entry.view(user, &id)));
            self.end(&id, now_ms);
        }
        evicted
    }

    pub(crate) fn insert(
        &mut self,
        id: &str,
        rule: AdmissionRule,
        device: Option<&str>,
        now_ms: u64,
    ) {
        let order = self.next_order();
        self.sessions.insert(id, Entry::new(&rule, device, now_ms, order));
    }
}
