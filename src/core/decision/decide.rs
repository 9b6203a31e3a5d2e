//! One request against one user's state: the order of the reasons, and what an allowed request changes.

use super::user_state::UserState;
use crate::core::base::clock::Now;
use crate::core::base::error::Fault;
use crate::core::base::reason::{Reason, Reasons};
use crate::core::quota::charge::Charge;
use crate::core::quota::idempotency::{Remembered, RememberedCharge};
use crate::core::quota::place::SideState;
use crate::core::quota::spend::rest;
use crate::core::quota::state::{Consumption, Moment, QuotaState};
use crate::core::quota::table::QuotaTable;
use crate::core::request::request::{Decide, Decision, SessionCheck, SessionView};
use crate::core::revocation::epoch::Issued;
use crate::core::revocation::lead::Ahead;
use crate::core::revocation::validity::end_of_second;
use crate::core::session::sessions::Sessions;

/// The effect of an allowed decision on the session.
enum SessionPlan {
    Leave,
    Touch,
    Admit,
}

/// Decides a request. Reads first, and collects every reason to deny. Only an allowed request changes anything.
/// `deny`: further reasons, such as the reasons of an API key.
///
/// # Errors
/// `ERR_LATCHGATE_INPUT` if the idempotency key was used for another question and nothing else denies.
pub fn decide(
    user: &mut UserState,
    d: &Decide<'_>,
    mut deny: Reasons,
    now: Now<'_>,
    most_lead_ms: u64,
    side: SideState<'_>,
) -> Result<Decision, Fault> {
    let now_ms = now.ms();
    let SideState { quota: apart, mut memory } = side;
    deny.join(user.validity.denial_reasons(&d.token, Some(d.issued), now_ms));
    if !d.scope_ok {
        deny.add(Reason::ScopeMissing);
    }
    let plan = plan_session(&user.sessions, d, now_ms, &mut deny);
    let replayed = match remembered(d, memory.as_deref(), now_ms) {
        Ok(known) => known,
        Err(fault) if deny.first() == Reason::Allowed => return Err(fault),
        // The request is denied anyway, for the reasons that deny it without an idempotency key.
        Err(_) => None,
    };
    let quota = d.charge.as_ref().map(|charge| {
        let state = apart.as_deref().cloned().unwrap_or_else(|| user.quotas.get(&charge.key));
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
            d.charge.as_ref().map(|asked| charge(&mut user.quotas, asked, apart, memory, now))
        });
        enter_session(&mut user.sessions, d, plan, now_ms, &mut decision);
        if let Issued::Foreign { iat_ms } = d.issued
            && iat_ms >= end_of_second(now_ms)
        {
            // A revocation of the user must reach this token too.
            user.validity.note_ahead(iat_ms);
            let ms = (iat_ms - now_ms).min(most_lead_ms);
            let issuer = || Box::new(Ahead { issuer: d.issuer.to_string(), ms });
            decision.ahead = (ms > 0).then(issuer);
        }
    } else if reason == Reason::QuotaExhausted {
        decision.quota = quota;
    }
    Ok(decision)
}

/// The stored answer to the same charge under the same idempotency key.
fn remembered(
    d: &Decide<'_>,
    memory: Option<&Option<RememberedCharge>>,
    now_ms: u64,
) -> Result<Option<Consumption>, Fault> {
    let asked = d.charge.as_ref().and_then(|charge| charge.once.as_ref());
    let Some((asked, memory)) = asked.zip(memory) else { return Ok(None) };
    let answer = Remembered::recall(memory.as_ref(), asked, now_ms)?;
    Ok(answer.map(|answer| answer.replayed(now_ms)))
}

fn plan_session(
    sessions: &Sessions,
    d: &Decide<'_>,
    now_ms: u64,
    deny: &mut Reasons,
) -> SessionPlan {
    if d.check == SessionCheck::Skip {
        return SessionPlan::Leave;
    }
    if sessions.is_live(&d.session) {
        return SessionPlan::Touch;
    }
    if sessions.has_ended(&d.session, now_ms) {
        deny.add(Reason::SessionEnded);
    } else if d.check == SessionCheck::Explicit {
        deny.add(Reason::SessionUnknown);
    } else if !sessions.has_room(d.rule) {
        deny.add(Reason::SessionLimit);
    }
    SessionPlan::Admit
}

fn enter_session(
    sessions: &mut Sessions,
    d: &Decide<'_>,
    plan: SessionPlan,
    now_ms: u64,
    decision: &mut Decision,
) {
    let previous_active_ms = match plan {
        SessionPlan::Leave => return,
        SessionPlan::Touch => {
            let order = sessions.next_order();
            let Some(entry) = sessions.get_mut(&d.session) else {
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
            let evicted = sessions.evict_for_one("", d.rule, now_ms);
            decision.evicted = evicted.into_iter().map(|session| session.id).collect();
            sessions.insert(&d.session, d.rule, None, now_ms);
            now_ms
        }
    };
    let active = sessions.active();
    decision.session = sessions.get_mut(&d.session).map(|entry| SessionView {
        active,
        limit: d.rule.limit,
        times: entry.times(),
        previous_active_ms,
    });
}

/// Charges the quota, in the record or standalone, and remembers the answer under the idempotency key.
fn charge(
    quotas: &mut QuotaTable,
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
        let mut state = quotas.get(&charge.key);
        let consumption = state.charge(rule, spend, moment);
        if spend.cost > 0 {
            quotas.put(&charge.key, state);
        }
        consumption
    };
    if let Some((asked, memory)) = once.as_ref().zip(memory).filter(|_| spend.cost > 0) {
        *memory = Some(Remembered::new(asked, consumption, now.ms()));
    }
    consumption
}
