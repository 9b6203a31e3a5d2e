//! Random charges, top-ups, refunds and resets: every store answers as the embedded one, which is what the
//! rules in core say.

use super::spending::with;
use super::support::*;
use super::{RuleClock, on_every_store};
use latchgate::core::base::clock::{Clock, FakeClock};
use latchgate::core::op::Outcome;
use latchgate::core::op::{Act, Answer, Op};
use latchgate::core::quota::idempotency::Idempotency;
use latchgate::core::quota::spend::{AddUnits, Consume, Refund};
use latchgate::core::quota::state::QuotaRule;
use latchgate::core::request::request::SessionCheck;
use latchgate::core::store::Store;
use latchgate::store::registry;
use latchgate::store::settings::Settings;
use std::sync::Arc;

/// A generator that is the same in every run (xorshift).
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

/// Another embedded store beside the one under test, with a clock that moves along.
pub struct Beside<'a> {
    store: &'a dyn Store,
    clock: &'a RuleClock<'a>,
    pub twin: Arc<dyn Store>,
    twin_clock: Arc<FakeClock>,
}

impl<'a> Beside<'a> {
    pub fn of(store: &'a dyn Store, clock: &'a RuleClock<'a>) -> Self {
        let twin_clock = Arc::new(FakeClock::at_ms(START_MS));
        let twin = registry::open(&Settings::of("memory:"), twin_clock.clone()).unwrap();
        Self { store, clock, twin, twin_clock }
    }

    /// Asks both, which must answer the same.
    pub fn ask(&self, act: Act<'_>) -> Outcome {
        let op = Op { act, horizon_ms: HORIZON, most_lead_ms: 0 };
        let asked = format!("{:?}", op.act);
        let expected = outcome(&*self.twin, op.clone());
        let actual = outcome(self.store, op);
        assert_eq!(actual, expected, "{asked}");
        actual
    }

    pub fn advance_us(&self, us: u64) {
        let now_us = self.twin_clock.now_us() + us;
        self.twin_clock.advance_ms(us.div_ceil(1000));
        self.twin_clock.set_us(now_us);
        self.clock.advance_ms(us.div_ceil(1000));
        self.clock.set_us(now_us);
    }

    fn set_back_us(&self, us: u64) {
        let now_us = self.twin_clock.now_us() - us;
        self.twin_clock.set_us(now_us);
        self.clock.set_us(now_us);
    }
}

fn rules(dice: &mut Dice, ms: u64) -> (&'static str, QuotaRule) {
    let limit = 1 + dice.roll(7);
    match dice.roll(3) {
        0 => ("bdk", balance(limit)),
        1 => ("wdk", window(limit, ms)),
        _ => ("gdk", bucket(limit, ms)),
    }
}

/// A charge with random values.
struct Drawn {
    key: &'static str,
    rule: QuotaRule,
    cost: u64,
    step: u8,
    remembered: Option<Idempotency>,
}

/// Charges a request, and returns the refund of the charge.
fn charge_request(
    both: &Beside<'_>,
    drawn: &Drawn,
    check: SessionCheck,
) -> Option<Refund<'static>> {
    let Drawn { key, rule, cost, step, remembered } = *drawn;
    let mut request = request("u", "s", START_MS, check);
    request.charge = with(charge(key, rule, 0), spend(cost, step), remembered);
    let Ok(Answer::Decision(decision)) = both.ask(Act::Decide(request)) else {
        return None;
    };
    Some(Refund {
        user: Some("u".into()),
        lasting: key == "bdk",
        key: key.into(),
        charged: decision.quota?.charged?,
        units: cost,
        memory: remembered.map(|once| once.name),
        of_request: true,
    })
}

/// Charges a quota that belongs to no user, and returns the refund of the charge.
fn consume(both: &Beside<'_>, drawn: &Drawn) -> Option<Refund<'static>> {
    let Drawn { key, rule, cost, step, remembered } = *drawn;
    // Another quota never shares a name, so the names here differ from the names in the user's record.
    let once = remembered.map(|it| Idempotency { name: [it.name[0] + 9; 16], ..it });
    let act = Consume { key: key.into(), rule, spend: spend(cost, step), once };
    let Ok(Answer::Consumption(consumption)) = both.ask(Act::Consume(act)) else {
        return None;
    };
    Some(Refund {
        user: None,
        lasting: false,
        key: key.into(),
        charged: consumption.charged?,
        units: cost,
        memory: once.map(|once| once.name),
        of_request: false,
    })
}

/// Random charges, top-ups, refunds and resets are answered as the embedded store answers them, and the
/// embedded store is what the rules in core say.
fn random_spending(seed: u64, ms: u64, longest_step_us: u64, set_back: bool) {
    on_every_store(|store, clock| {
        let both = Beside::of(store, clock);
        let mut dice = Dice(seed);
        let mut receipts: Vec<Refund<'static>> = Vec::new();
        for step in 0..150_u8 {
            let (key, rule) = rules(&mut dice, ms);
            let memory = (dice.roll(4) == 0).then(|| dice.roll(3) as u8);
            let cost = dice.roll(5);
            let remembered = memory.and_then(|name| under(name, cost as u8));
            let place = dice.roll(3);
            let drawn = Drawn { key, rule, cost, step, remembered };
            match dice.roll(10) {
                0..=5 if place == 0 => {
                    let check = if seed.is_multiple_of(2) {
                        SessionCheck::FirstUse
                    } else {
                        SessionCheck::Skip
                    };
                    receipts.extend(charge_request(&both, &drawn, check));
                }
                0..=5 => receipts.extend(consume(&both, &drawn)),
                6 if !receipts.is_empty() => {
                    let at = dice.roll(receipts.len() as u64) as usize;
                    let _ = both.ask(Act::Refund(receipts[at].clone()));
                }
                7 => {
                    let (key, rule, units, once) = ("bdk".into(), balance(3), 1 + cost, None);
                    let add = AddUnits { key, rule, units, once };
                    let _ = both.ask(Act::AddUnits(add));
                }
                8 if dice.roll(8) == 0 => {
                    let keys = ["bdk", "wdk", "gdk"].map(Into::into).to_vec();
                    let _ = both.ask(Act::ResetQuotas { keys });
                    both.advance_us(1);
                }
                _ if set_back && dice.roll(3) == 0 => both.set_back_us(dice.roll(5_000)),
                _ => both.advance_us(1 + dice.roll(longest_step_us)),
            }
        }
    });
}

#[test]
fn random_spending_is_answered_alike_while_time_passes() {
    for seed in 1..=12 {
        random_spending(seed * 0x9E37_79B9, 1_000, 300_000, false);
    }
}

#[test]
fn random_spending_is_answered_alike_while_the_clock_is_set_back() {
    for seed in 1..=6 {
        // No window ends in so short a time: what has expired on a server stays so, whatever its clock says then.
        random_spending(seed * 0x85EB_CA6B, 10 * HOUR, 10 * MINUTE * 1000, true);
    }
}
