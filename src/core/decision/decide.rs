//! One request against one user's record: the order of the reasons, and what an allowed one changes.

use crate::core::base::clock::Now;
use crate::core::base::error::Fault;
use crate::core::base::reason::{Reason, Reasons};
use crate::core::op::{Charge, Decide, Decision, Issued, SessionCheck, SessionView};
use crate::core::quota::idempotency::{Remembered, RememberedCharge};
use crate::core::quota::spend::rest;
use crate::core::quota::state::{Consumption, Moment, QuotaState};
use crate::core::record::{Aside, UserRecord, end_of_second};
use crate::core::revocation::lead::Ahead;

/// What a decision may do with the session.
enum SessionPlan {
    Leave,
    Touch,
    Admit,
}

impl UserRecord {
    /// Reads first, every reason; only if there is none, acts. So a denial changes nothing.
    ///
    /// # Errors
    /// Where the idempotency key of the request stands for another question, and nothing else denies.
    pub(crate) fn decide(
        &mut self,
        d: &Decide<'_>,
        now: Now<'_>,
        most_lead_ms: u64,
        aside: Aside<'_>,
    ) -> Result<Decision, Fault> {
        self.decide_beside(d, Reasons::default(), now, most_lead_ms, aside)
    }

    /// The same beside what else stands against the request.
    ///
    /// # Errors
    /// As above.
    pub(crate) fn decide_beside(
        &mut self,
        d: &Decide<'_>,
        mut deny: Reasons,
        now: Now<'_>,
        most_lead_ms: u64,
        aside: Aside<'_>,
    ) -> Result<Decision, Fault> {
        let now_ms = now.ms();
        let Aside { quota: apart, mut memory } = aside;
        deny.join(self.standing(&d.token, Some(d.issued), now_ms));
        if !d.scope_ok {
            deny.add(Reason::ScopeMissing);
        }
        let plan = self.plan_session(d, now_ms, &mut deny);
        let asked = d.charge.as_ref().and_then(|charge| charge.once.as_ref());
        let known = asked.zip(memory.as_deref()).map(|(asked, memory)| {
            Remembered::recall(memory.as_ref(), asked, now_ms)
                .map(|answer| answer.map(|answer| answer.replayed(now_ms)))
        });
        let replayed = match known.transpose() {
            Ok(known) => known.flatten(),
            Err(fault) if deny.first() == Reason::Allowed => return Err(fault),
            // It is refused anyway, and by what it would have been refused without a key.
            Err(_) => None,
        };
        let quota = d.charge.as_ref().map(|charge| {
            let state = apart.as_deref().cloned().unwrap_or_else(|| self.quota(&charge.key));
            replayed.unwrap_or_else(|| state.look(&charge.rule, charge.spend.cost, now.us))
        });
        if quota.is_some_and(|quota| !quota.allowed) {
            deny.add(Reason::QuotaExhausted);
        }
        let reason = deny.first();
        let mut decision = Decision::of(deny);
        if reason == Reason::Allowed {
            if let Some(memory) = memory.as_deref_mut().filter(|_| replayed.is_some()) {
                rest(memory);
            }
            decision.quota = replayed.or_else(|| {
                d.charge.as_ref().map(|charge| self.charge(charge, apart, memory, now))
            });
            self.enter_session(d, plan, now_ms, &mut decision);
            if let Issued::Foreign { iat_ms } = d.issued
                && iat_ms >= end_of_second(now_ms)
            {
                // Revoking the user must end this token too.
                self.ahead_ms = self.ahead_ms.max(iat_ms);
                let ms = (iat_ms - now_ms).min(most_lead_ms);
                let issuer = || Box::new(Ahead { issuer: d.issuer.to_string(), ms });
                decision.ahead = (ms > 0).then(issuer);
            }
        } else if reason == Reason::QuotaExhausted {
            decision.quota = quota;
        }
        Ok(decision)
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
                let evicted = self.evict_for_one("", d.rule, now_ms);
                decision.evicted = evicted.into_iter().map(|session| session.id).collect();
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
        self.quotas.as_ref().and_then(|quotas| quotas.get(key)).cloned().unwrap_or_default()
    }

    fn charge(
        &mut self,
        charge: &Charge<'_>,
        apart: Option<&mut QuotaState>,
        memory: Option<&mut Option<RememberedCharge>>,
        now: Now<'_>,
    ) -> Consumption {
        let Charge { rule, spend, once, .. } = charge;
        let moment = Moment::at(now.us);
        let consumption = if let Some(state) = apart {
            state.charge(rule, spend, moment)
        } else {
            let mut state = self.quota(&charge.key);
            let consumption = state.charge(rule, spend, moment);
            if spend.cost > 0 {
                self.quotas.get_or_insert_default().insert((*charge.key).into(), state);
            }
            consumption
        };
        if let Some((asked, memory)) = once.as_ref().zip(memory).filter(|_| spend.cost > 0) {
            *memory = Some(Remembered::new(asked, consumption, now.ms()));
        }
        consumption
    }

    /// Does something to a quota of the record, and drops it where it says nothing any more.
    pub fn with_quota<T>(&mut self, key: &str, run: impl FnOnce(&mut QuotaState) -> T) -> T {
        let Some(state) = self.quotas.as_mut().and_then(|quotas| quotas.get_mut(key)) else {
            return run(&mut QuotaState::default());
        };
        let result = run(state);
        if *state == QuotaState::default() {
            self.drop_quota(key);
        }
        result
    }

    fn drop_quota(&mut self, key: &str) {
        if let Some(quotas) = &mut self.quotas {
            quotas.remove(key);
            if quotas.is_empty() {
                self.quotas = None;
            }
        }
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
