//! Charges, top-ups and refunds with their stored answers. Each is one step on a quota and its memory. The store holds
//! both under one lock.

use super::idempotency::{Idempotency, Remembered, RememberedCharge};
use super::state::{Charged, Consumption, MOST, Moment, QuotaRule, QuotaState, Spend};
use crate::core::base::error::Fault;
use std::borrow::Cow;

/// Charges a standalone quota.
#[derive(Clone, Debug)]
pub struct Consume<'a> {
    /// The quota's key (docs/layout.md).
    pub key: Cow<'a, str>,
    /// Its rule.
    pub rule: QuotaRule,
    /// The units to take.
    pub spend: Spend,
    /// The idempotency key, if there is one.
    pub once: Option<Idempotency>,
}

/// Tops up a standalone balance.
#[derive(Clone, Debug)]
pub struct AddUnits<'a> {
    /// The quota's key.
    pub key: Cow<'a, str>,
    /// The rule of the balance.
    pub rule: QuotaRule,
    /// Units.
    pub units: u64,
    /// The idempotency key, if there is one.
    pub once: Option<Idempotency>,
}

/// Refunds a charge.
#[derive(Clone, Debug)]
pub struct Refund<'a> {
    /// The user whose record has the quota; `None`: the quota is standalone.
    pub user: Option<Cow<'a, str>>,
    /// A balance of the user that never expires. Some stores keep it outside the record.
    pub lasting: bool,
    /// The quota's key.
    pub key: Cow<'a, str>,
    /// The charge.
    pub charged: Charged,
    /// Its units.
    pub units: u64,
    /// The idempotency key of the charge, if it had one.
    pub memory: Option<[u8; 16]>,
    /// The charge of a request. If other requests share it by its idempotency key, it remains until the last refund.
    pub of_request: bool,
}

/// Charges a quota, or returns the stored answer of the same charge.
///
/// # Errors
/// `ERR_LATCHGATE_INPUT` if the idempotency key was used for another question.
pub fn consume(
    state: &mut QuotaState,
    memory: &mut Option<RememberedCharge>,
    asked: &Consume<'_>,
    now: Moment,
) -> Result<Consumption, Fault> {
    once(memory, asked.once.as_ref(), now, || {
        let answer = state.charge(&asked.rule, &asked.spend, now);
        Ok((answer, answer.allowed && asked.spend.cost > 0))
    })
}

/// Tops up a balance, or returns the stored answer of the same top-up.
///
/// # Errors
/// `ERR_LATCHGATE_INPUT` if the idempotency key was used for another question, or if the sum is too large.
pub fn add(
    state: &mut QuotaState,
    memory: &mut Option<RememberedCharge>,
    asked: &AddUnits<'_>,
    now: Moment,
) -> Result<Consumption, Fault> {
    once(memory, asked.once.as_ref(), now, || {
        Ok((state.add(&asked.rule, asked.units, now).ok_or_else(too_many)?, true))
    })
}

/// The fault of a top-up that is too large.
#[must_use]
pub fn too_many() -> Fault {
    Fault::input(format!("units: the limit and all top-ups together may not exceed {MOST}"))
}

/// Refunds a charge once, and drops its idempotency key. False: it was refunded before, it has no value any more, or other
/// requests share it.
pub fn refund(
    state: &mut QuotaState,
    memory: &mut Option<RememberedCharge>,
    was_refunded: bool,
    asked: &Refund<'_>,
    now_us: u64,
) -> bool {
    // A later charge may have the idempotency key by now. That charge remains.
    let is_same =
        |kept: &&mut RememberedCharge| kept.answer.charged.map(|c| c.id) == Some(asked.charged.id);
    let kept = memory.as_mut().filter(is_same);
    let is_remembered = kept.is_some();
    if was_refunded || !state.stands(&asked.charged, now_us) {
        return false;
    }
    if let Some(kept) = kept.filter(|kept| asked.of_request && kept.ref_count > 1) {
        kept.ref_count -= 1;
        return false;
    }
    if !state.refund(&asked.charged, asked.units, now_us) {
        return false;
    }
    if is_remembered {
        *memory = None;
    }
    true
}

/// Counts one more caller that receives the stored answer.
pub fn rest(memory: &mut Option<RememberedCharge>) {
    if let Some(kept) = memory {
        kept.ref_count += 1;
    }
}

/// Runs an operation once. `act` returns whether it changed anything: only then its answer is stored.
fn once(
    memory: &mut Option<RememberedCharge>,
    asked: Option<&Idempotency>,
    now: Moment,
    act: impl FnOnce() -> Result<(Consumption, bool), Fault>,
) -> Result<Consumption, Fault> {
    let now_ms = now.us / 1000;
    let Some(asked) = asked else { return act().map(|(answer, _)| answer) };
    if let Some(answer) = Remembered::recall(memory.as_ref(), asked, now_ms)? {
        return Ok(answer.replayed(now_ms));
    }
    let (answer, done) = act()?;
    if done {
        *memory = Some(Remembered::new(asked, answer, now_ms));
    }
    Ok(answer)
}
