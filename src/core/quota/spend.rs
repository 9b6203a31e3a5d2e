//! Charges, top-ups and refunds with what is remembered of them: each is one step on a quota and its
//! memory, which the store holds under one lock.

use super::idempotency::{Idempotency, Remembered, RememberedCharge};
use super::state::{Charged, Consumption, MOST, Moment, QuotaRule, QuotaState, Spend};
use crate::core::base::error::Fault;
use std::borrow::Cow;

/// Charges a quota that lies apart.
#[derive(Clone, Debug)]
pub struct Consume<'a> {
    /// The quota's key (docs/layout.md).
    pub key: Cow<'a, str>,
    /// Its rule.
    pub rule: QuotaRule,
    /// What is taken.
    pub spend: Spend,
    /// Once, under this.
    pub once: Option<Idempotency>,
}

/// Tops up a balance that lies apart.
#[derive(Clone, Debug)]
pub struct AddUnits<'a> {
    /// The quota's key.
    pub key: Cow<'a, str>,
    /// Its rule, of a balance.
    pub rule: QuotaRule,
    /// Units.
    pub units: u64,
    /// Once, under this.
    pub once: Option<Idempotency>,
}

/// Gives a charge back.
#[derive(Clone, Debug)]
pub struct Refund<'a> {
    /// The user in whose record the quota lies; `None`: it lies apart.
    pub user: Option<Cow<'a, str>>,
    /// A balance of the user that is never forgotten: some stores keep it beside the record.
    pub lasting: bool,
    /// The quota's key.
    pub key: Cow<'a, str>,
    /// The charge.
    pub charged: Charged,
    /// Its units.
    pub units: u64,
    /// Under what it is remembered, where it was made under an idempotency key.
    pub memory: Option<[u8; 16]>,
    /// It was made for a request: where others rest on it by its idempotency key, it stands while one is left.
    pub of_request: bool,
}

/// Charges a quota, or tells again what the same charge was answered.
///
/// # Errors
/// `ERR_LATCHGATE_INPUT` where the idempotency key stands for another question.
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

/// Tops a balance up, or tells again what the same top-up was answered.
///
/// # Errors
/// `ERR_LATCHGATE_INPUT` where the idempotency key stands for another question, or there would be more
/// units than can be counted.
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

/// What is told of a top-up that goes too far.
#[must_use]
pub fn too_many() -> Fault {
    Fault::input(format!("units: the limit and all top-ups together may not exceed {MOST}"))
}

/// Gives a charge back, once, and forgets the idempotency key that it was made under. False: it was
/// given back before, is worth nothing any more, or others rest on it.
pub fn refund(
    state: &mut QuotaState,
    memory: &mut Option<RememberedCharge>,
    was_refunded: bool,
    asked: &Refund<'_>,
    now_us: u64,
) -> bool {
    // A later charge may be remembered there by now: that one stands.
    let is_same =
        |kept: &&mut RememberedCharge| kept.answer.charged.map(|c| c.id) == Some(asked.charged.id);
    let kept = memory.as_mut().filter(is_same);
    let is_remembered = kept.is_some();
    if was_refunded || !state.stands(&asked.charged, now_us) {
        return false;
    }
    if let Some(kept) = kept.filter(|kept| asked.of_request && kept.resting > 1) {
        kept.resting -= 1;
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

/// One more rests on what is remembered.
pub fn rest(memory: &mut Option<RememberedCharge>) {
    if let Some(kept) = memory {
        kept.resting += 1;
    }
}

/// Does something once. `act` says whether anything was done: only then it is remembered.
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
