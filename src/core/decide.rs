//! One request against one user's record: the order of the reasons, and what an allowed one changes.

use super::op::{Charge, Decide, Decision, Issued, SessionCheck, SessionView};
use super::quota::{Consumption, QuotaState};
use super::reason::{Reason, Reasons};
use super::record::{UserRecord, foreign_bound};

/// What a decision may do with the session.
enum SessionPlan {
    Leave,
    Touch,
    Admit,
}

impl UserRecord {
    /// Reads first, every reason; only if there is none, acts. So a denial changes nothing.
    pub(super) fn decide(
        &mut self,
        d: &Decide<'_>,
        now_ms: u64,
        tolerance_ms: u64,
        apart: Option<&mut QuotaState>,
    ) -> Decision {
        self.decide_beside(d, Reasons::default(), now_ms, tolerance_ms, apart)
    }

    /// The same beside what else stands against the request.
    pub(super) fn decide_beside(
        &mut self,
        d: &Decide<'_>,
        mut deny: Reasons,
        now_ms: u64,
        tolerance_ms: u64,
        apart: Option<&mut QuotaState>,
    ) -> Decision {
        deny.join(self.standing(&d.token, Some(d.issued), now_ms));
        if !d.scope_ok {
            deny.add(Reason::ScopeMissing);
        }
        let plan = self.plan_session(d, now_ms, &mut deny);
        let quota = d.charge.as_ref().map(|charge| {
            let state = apart.as_deref().copied().unwrap_or_else(|| self.quota(&charge.key));
            state.look(&charge.rule, charge.cost, now_ms)
        });
        if quota.is_some_and(|quota| !quota.allowed) {
            deny.add(Reason::QuotaExhausted);
        }
        let reason = deny.first();
        let mut decision =
            Decision { reason, would_deny: deny, session: None, admitted: false, quota: None };
        if reason == Reason::Allowed {
            decision.quota = d.charge.as_ref().map(|charge| self.charge(charge, apart, now_ms));
            self.enter_session(d, plan, now_ms, &mut decision);
            if let Issued::Foreign { iat_ms } = d.issued
                && iat_ms >= foreign_bound(now_ms, tolerance_ms)
            {
                self.ahead_ms = self.ahead_ms.max(iat_ms);
            }
        } else if reason == Reason::QuotaExhausted {
            decision.quota = quota;
        }
        decision
    }

    fn enter_session(
        &mut self,
        d: &Decide<'_>,
        plan: SessionPlan,
        now_ms: u64,
        decision: &mut Decision,
    ) {
        let previous_active_ms = match plan {
            SessionPlan::Leave => return,
            SessionPlan::Touch => {
                let order = self.next_order();
                let Some(entry) = self.sessions.get_mut(&d.session) else {
                    return;
                };
                let previous = entry.last_active_ms;
                if d.touch {
                    entry.touch(now_ms, order);
                }
                previous
            }
            SessionPlan::Admit => {
                decision.admitted = true;
                self.evict_for_one("", d.rule, now_ms);
                self.insert(&d.session, d.rule, None, now_ms);
                now_ms
            }
        };
        let active = self.sessions.len() as u64;
        decision.session = self.sessions.get_mut(&d.session).map(|entry| SessionView {
            active,
            limit: d.rule.limit,
            times: entry.times(),
            previous_active_ms,
        });
    }

    fn quota(&self, key: &str) -> QuotaState {
        self.quotas.as_ref().and_then(|quotas| quotas.get(key)).copied().unwrap_or_default()
    }

    fn charge(
        &mut self,
        charge: &Charge<'_>,
        apart: Option<&mut QuotaState>,
        now_ms: u64,
    ) -> Consumption {
        if let Some(state) = apart {
            return state.charge(&charge.rule, charge.cost, now_ms, charge.keep_ms);
        }
        let mut state = self.quota(&charge.key);
        let consumption = state.charge(&charge.rule, charge.cost, now_ms, charge.keep_ms);
        if charge.cost > 0 {
            self.quotas.get_or_insert_default().insert((*charge.key).into(), state);
        }
        consumption
    }

    fn plan_session(&self, d: &Decide<'_>, now_ms: u64, deny: &mut Reasons) -> SessionPlan {
        if d.check == SessionCheck::Skip {
            return SessionPlan::Leave;
        }
        if self.sessions.contains(&d.session) {
            return SessionPlan::Touch;
        }
        if self.ended.contains(&d.session, now_ms) {
            deny.add(Reason::SessionEnded);
        } else if d.check == SessionCheck::Explicit {
            deny.add(Reason::SessionUnknown);
        } else if !self.has_room(d.rule) {
            deny.add(Reason::SessionLimit);
        }
        SessionPlan::Admit
    }
}
