//! Quotas: how many units are used, and whether more may be used. The state holds the USED units, so that a changed
//! limit applies immediately. A charge above the remaining units takes no units.

use crate::core::base::due_map::Due;
use crate::core::base::limits;
use crate::core::quota::refunds::GivenBack;

/// The largest number of units, and the last microsecond (in the year 2255), that every store counts
/// exactly.
pub const MOST: u64 = limits::MAX_INTEGER;

/// How long after its charge a receipt can be used, in milliseconds.
pub const RECEIPT_MS: u64 = limits::DAY_MS;

/// How a quota refills.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refill {
    /// Never: a prepaid balance.
    Never,
    /// All units together, this number of milliseconds after the first charge.
    Window(u64),
    /// Unit by unit, all of them within this number of milliseconds (the generic cell rate algorithm). The limit is at most
    /// that time in microseconds.
    Bucket(u64),
}

/// A quota's rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuotaRule {
    /// Most units, 1 to 2^53 - 1.
    pub limit: u64,
    /// How it refills.
    pub refill: Refill,
}

impl QuotaRule {
    /// Microseconds until one unit of a bucket returns, rounded up. 0 for other quotas.
    #[must_use]
    pub const fn period_us(&self) -> u64 {
        match self.refill {
            Refill::Bucket(window_ms) => (window_ms * 1000).div_ceil(self.limit),
            _ => 0,
        }
    }
}

/// The instant of an operation on a quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// By the clock that decides, in microseconds.
    pub us: u64,
    /// Incarnation number of a quota that begins now: `us`, or more if a quota was reset in that microsecond.
    pub born_us: u64,
}

impl Moment {
    /// That microsecond.
    #[must_use]
    pub const fn at(us: u64) -> Self {
        Self { us, born_us: us }
    }
}

/// The units to take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spend {
    /// Units. 0 only looks.
    pub cost: u64,
    /// How long after its last charge a balance expires, in milliseconds; `None`: never.
    pub keep_ms: Option<u64>,
    /// The receipt id, if the caller wants a receipt: 128 random bits.
    pub receipt: Option<ReceiptId>,
}

impl Spend {
    /// That number of units, without expiry and without receipt.
    #[must_use]
    pub const fn of(cost: u64) -> Self {
        Self { cost, keep_ms: None, receipt: None }
    }
}

/// The id of a receipt.
pub type ReceiptId = [u8; 16];

/// The data of a charge that a refund needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Charged {
    /// The id of its receipt.
    pub id: ReceiptId,
    /// The quota's `born_us`. It differs after a reset, and in the next window.
    pub born_us: u64,
    /// The instant after which no refund is possible, in milliseconds.
    pub void_ms: u64,
    /// Of a bucket: the units ever charged, including this charge.
    pub at: u64,
}

/// The result of a charge, or of a look at one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Consumption {
    /// Whether enough units remained.
    pub allowed: bool,
    /// The limit, including top-ups of a balance.
    pub limit: u64,
    /// Remaining units, after the charge if there was one.
    pub remaining: u64,
    /// When all units have returned, in milliseconds; `None`: no unit returns.
    pub reset_ms: Option<u64>,
    /// The same, counted from now by the store's clock.
    pub reset_in_ms: Option<u64>,
    /// Time until a retry may succeed; `None`: the quota never refills, or the cost exceeds the limit.
    pub retry_after_ms: Option<u64>,
    /// The answer was stored: the charge was made before.
    pub replayed: bool,
    /// The charge, if units were taken and a receipt was wanted.
    pub charged: Option<Charged>,
}

impl Consumption {
    /// The answer to a repetition.
    #[must_use]
    pub fn replayed(&self, now_ms: u64) -> Self {
        let reset_in_ms = self.reset_ms.map(|reset_ms| reset_ms.saturating_sub(now_ms));
        Self { replayed: true, reset_in_ms, ..*self }
    }
}

/// The stored state of a quota.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QuotaState {
    /// Incarnation number: distinguishes this quota from earlier and later quotas under the same key.
    pub born_us: u64,
    /// Units in use.
    pub used: u64,
    /// Top-ups of a balance. Of a bucket: units ever charged.
    pub added: u64,
    /// Of a bucket: the start of the return of its units.
    pub since_us: u64,
    /// When it expires, in milliseconds; 0: never. A window: its end, fixed by its first charge, so that a changed length
    /// applies from the next window on. A bucket: when it is full by the rule of its last charge, and that charge can no
    /// longer be refunded.
    pub until_ms: u64,
    /// Of a bucket: microseconds until a unit returns, by the rule of its last charge.
    pub period_us: u64,
    /// Of a bucket: refunds of charges between other charges.
    pub given_back: GivenBack,
}

impl Due for QuotaState {
    fn due_ms(&self) -> u64 {
        match self.until_ms {
            _ if self.says_nothing() => 0,
            0 => u64::MAX,
            until_ms => until_ms,
        }
    }
}

impl QuotaState {
    /// The result that a charge of `cost` would have. Takes no units.
    #[must_use]
    pub fn look(&self, rule: &QuotaRule, cost: u64, now_us: u64) -> Consumption {
        let state = self.at(rule, now_us);
        let limit = state.limit(rule);
        let remaining = limit.saturating_sub(state.used);
        let allowed = cost <= remaining;
        let in_ms = |us: u64| us.saturating_sub(now_us).div_ceil(1000);
        let reset_us = state.back_us(rule, state.used);
        // Units in use above a lowered limit must return as well.
        let missing = state.used.saturating_sub(limit.saturating_sub(cost));
        let helps = !allowed && cost <= limit;
        Consumption {
            allowed,
            limit,
            remaining,
            reset_ms: reset_us.map(|us| us.div_ceil(1000)),
            reset_in_ms: reset_us.map(in_ms),
            retry_after_ms: state.back_us(rule, missing).map(in_ms).filter(|_| helps),
            replayed: false,
            charged: None,
        }
    }

    /// Takes the units, if they remain.
    pub fn charge(&mut self, rule: &QuotaRule, spend: &Spend, now: Moment) -> Consumption {
        let Spend { cost, keep_ms, receipt } = *spend;
        let found = self.look(rule, cost, now.us);
        if !found.allowed || cost == 0 {
            return found;
        }
        *self = self.at(rule, now.us);
        self.begin(now);
        let now_ms = now.us / 1000;
        let mut void_ms = now_ms + RECEIPT_MS;
        match rule.refill {
            Refill::Never => {
                if let Some(keep_ms) = keep_ms {
                    self.until_ms = self.until_ms.max(now_ms.saturating_add(keep_ms));
                }
            }
            Refill::Window(window_ms) => {
                if self.used == 0 || self.until_ms == 0 {
                    self.until_ms = now_ms + window_ms;
                }
                void_ms = void_ms.min(self.until_ms);
            }
            Refill::Bucket(window_ms) => {
                if self.used == 0 || self.since_us == 0 {
                    self.since_us = now.us;
                }
                let over_ms = now.us.div_ceil(1000) + window_ms;
                void_ms = void_ms.min(over_ms);
                let full_us = self.back_us(rule, self.used + cost).unwrap_or(0);
                self.until_ms = self.until_ms.max(over_ms).max(full_us.div_ceil(1000));
                self.period_us = rule.period_us();
                self.given_back.forget(self.used, self.added);
                if self.added > MOST - cost {
                    // No earlier charge can be refunded any more.
                    (self.born_us, self.added) = (now.born_us.max(self.born_us + 1), 0);
                    self.given_back.clear();
                }
                self.added += cost;
            }
        }
        self.used += cost;
        let (born_us, at) = (self.born_us, self.added);
        let charged = receipt.map(|id| Charged { id, born_us, void_ms, at });
        Consumption { allowed: true, charged, ..self.look(rule, 0, now.us) }
    }

    /// Tops up a balance. `None`: the sum would be too large, and nothing changed.
    pub fn add(&mut self, rule: &QuotaRule, units: u64, now: Moment) -> Option<Consumption> {
        let mut state = self.at(rule, now.us);
        state.added = state.added.checked_add(units)?;
        if rule.limit.checked_add(state.added)? > MOST {
            return None;
        }
        state.begin(now);
        *self = state;
        Some(self.look(rule, 0, now.us))
    }

    /// Whether a charge can still be refunded.
    #[must_use]
    pub fn stands(&self, charged: &Charged, now_us: u64) -> bool {
        let now_ms = now_us / 1000;
        let is_same = charged.void_ms > now_ms && self.born_us == charged.born_us;
        is_same && !self.is_over(now_ms)
    }

    /// Refunds units of a charge. False: its window has ended, the quota has begun again, or all its units have returned.
    pub fn refund(&mut self, charged: &Charged, units: u64, now_us: u64) -> bool {
        let now_ms = now_us / 1000;
        if !self.stands(charged, now_us) {
            return false;
        }
        if self.period_us == 0 {
            self.used = self.used.saturating_sub(units);
        } else {
            let used = self.used - self.back(self.period_us, now_us);
            let left = self.given_back.left(used, self.added, charged.at);
            let units = units.min(left);
            if units == 0 {
                return false;
            }
            // After the clock was set back, units of earlier charges may be in use.
            let with_older = self.given_back.left(self.used, self.added, charged.at);
            self.used -= units;
            if with_older > units {
                self.given_back.note(charged.at, units);
            }
        }
        if self.is_over(now_ms) {
            *self = Self::default();
        }
        true
    }

    /// Whether the quota is as if it was never charged.
    #[must_use]
    pub fn is_over(&self, now_ms: u64) -> bool {
        self.due_ms() <= now_ms
    }

    const fn says_nothing(&self) -> bool {
        self.used == 0 && self.added == 0 && self.since_us == 0
    }

    fn begin(&mut self, now: Moment) {
        if self.born_us == 0 {
            self.born_us = now.born_us;
        }
    }

    fn limit(&self, rule: &QuotaRule) -> u64 {
        match rule.refill {
            Refill::Never => rule.limit.saturating_add(self.added).min(MOST),
            _ => rule.limit,
        }
    }

    /// When `units` of the used units have returned; `None`: never, or there are none to wait for.
    fn back_us(&self, rule: &QuotaRule, units: u64) -> Option<u64> {
        match rule.refill {
            _ if units == 0 => None,
            Refill::Never => None,
            Refill::Window(_) => (self.until_ms > 0).then(|| self.until_ms.saturating_mul(1000)),
            Refill::Bucket(_) => {
                let back =
                    u128::from(self.since_us) + u128::from(units) * u128::from(rule.period_us());
                Some(u64::try_from(back).unwrap_or(MOST).min(MOST))
            }
        }
    }

    /// The state at that instant.
    fn at(&self, rule: &QuotaRule, now_us: u64) -> Self {
        if self.is_over(now_us / 1000) {
            return Self::default();
        }
        let Refill::Bucket(_) = rule.refill else { return self.clone() };
        let period_us = rule.period_us();
        let back = self.back(period_us, now_us);
        let (used, since_us) = (self.used - back, self.since_us + back * period_us);
        Self { used, since_us, ..self.clone() }
    }

    /// Units that have returned. A clock that was set back returns no units, and takes none.
    fn back(&self, period_us: u64, now_us: u64) -> u64 {
        (now_us.saturating_sub(self.since_us) / period_us).min(self.used)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BALANCE: QuotaRule = QuotaRule { limit: 5, refill: Refill::Never };
    const WINDOW: QuotaRule = QuotaRule { limit: 5, refill: Refill::Window(1_000) };
    const BUCKET: QuotaRule = QuotaRule { limit: 4, refill: Refill::Bucket(1_000) };

    fn charge(state: &mut QuotaState, rule: &QuotaRule, cost: u64, now_ms: u64) -> Consumption {
        state.charge(rule, &Spend::of(cost), Moment::at(now_ms * 1000))
    }

    fn charge_for_receipt(state: &mut QuotaState, rule: &QuotaRule, cost: u64, ms: u64) -> Charged {
        let spend = Spend { receipt: Some([7; 16]), ..Spend::of(cost) };
        state.charge(rule, &spend, Moment::at(ms * 1000)).charged.unwrap()
    }

    #[test]
    fn a_balance_is_spent_to_the_unit_and_never_below() {
        let mut state = QuotaState::default();
        assert_eq!(charge(&mut state, &BALANCE, 3, 0).remaining, 2);
        let before = state.clone();
        let refused = charge(&mut state, &BALANCE, 3, 0);
        assert_eq!((refused.allowed, refused.remaining, refused.retry_after_ms), (false, 2, None));
        assert_eq!(state, before);
        assert_eq!(charge(&mut state, &BALANCE, 2, MOST / 1000).remaining, 0);
        assert!(charge(&mut state, &BALANCE, 0, 0).allowed, "a cost of 0 looks");
        assert!(!charge(&mut state, &BALANCE, 1, 0).allowed);
    }

    #[test]
    fn a_changed_limit_applies_immediately_and_a_limit_below_the_used_units_leaves_none() {
        let mut state = QuotaState::default();
        charge(&mut state, &BALANCE, 5, 0);
        let less = QuotaRule { limit: 2, ..BALANCE };
        assert_eq!(state.look(&less, 1, 0).remaining, 0);
        let more = QuotaRule { limit: 7, ..BALANCE };
        assert_eq!(charge(&mut state, &more, 2, 0).remaining, 0);
    }

    #[test]
    fn a_top_up_of_a_balance_leaves_the_used_units_unchanged() {
        let mut state = QuotaState::default();
        charge(&mut state, &BALANCE, 4, 1);
        let topped = state.add(&BALANCE, 10, Moment::at(1)).unwrap();
        assert_eq!((topped.limit, topped.remaining), (15, 11));
        assert!(charge(&mut state, &BALANCE, 11, 1).allowed);
        let before = state.clone();
        assert_eq!(state.add(&BALANCE, MOST - 14, Moment::at(1)), None);
        assert_eq!(state.add(&BALANCE, u64::MAX, Moment::at(1)), None);
        assert_eq!(state, before);
        assert_eq!(state.add(&BALANCE, MOST - 15, Moment::at(1)).unwrap().limit, MOST);
        let more = QuotaRule { limit: MOST, ..BALANCE };
        assert_eq!(state.look(&more, 0, 1).limit, MOST, "a limit that was raised since");
    }

    #[test]
    fn a_window_starts_at_its_first_charge_and_refills_as_a_whole() {
        let mut state = QuotaState::default();
        assert_eq!(state.look(&WINDOW, 0, 500_000).reset_ms, None);
        assert_eq!(charge(&mut state, &WINDOW, 1, 500).reset_ms, Some(1_500));
        assert_eq!(charge(&mut state, &WINDOW, 4, 1_499).remaining, 0);
        let refused = charge(&mut state, &WINDOW, 1, 1_499);
        assert_eq!((refused.allowed, refused.retry_after_ms), (false, Some(1)));
        let above = state.look(&WINDOW, 6, 1_499_000);
        assert_eq!(above.retry_after_ms, None, "above the limit for ever");
        let fresh = charge(&mut state, &WINDOW, 5, 1_500);
        assert_eq!((fresh.allowed, fresh.remaining, fresh.reset_ms), (true, 0, Some(2_500)));
    }

    #[test]
    fn a_bucket_gives_its_units_back_one_by_one() {
        let mut state = QuotaState::default();
        let spent = charge(&mut state, &BUCKET, 4, 1_000);
        assert_eq!((spent.remaining, spent.reset_ms), (0, Some(2_000)));
        let refused = charge(&mut state, &BUCKET, 2, 1_249);
        assert_eq!((refused.allowed, refused.retry_after_ms), (false, Some(251)));
        assert_eq!(charge(&mut state, &BUCKET, 5, 1_249).retry_after_ms, None);
        let one = charge(&mut state, &BUCKET, 1, 1_250);
        assert_eq!((one.allowed, one.remaining, one.reset_ms), (true, 0, Some(2_250)));
        assert!(!charge(&mut state, &BUCKET, 1, 1_000).allowed, "the clock was set back");
        assert_eq!(state.look(&BUCKET, 0, 2_249_999).remaining, 3);
        assert_eq!(state.look(&BUCKET, 0, 2_250_000).remaining, 4);
        let slower = QuotaRule { limit: 3, refill: Refill::Bucket(1_000) };
        assert_eq!(slower.period_us(), 333_334);
        assert_eq!(
            state.look(&slower, 1, 1_250_000).retry_after_ms,
            Some(667),
            "two must come back"
        );
    }

    #[test]
    fn refunded_units_can_be_charged_again_and_no_further_units() {
        for rule in [BALANCE, WINDOW, BUCKET] {
            let mut state = QuotaState::default();
            charge(&mut state, &rule, 1, 10);
            let charged = charge_for_receipt(&mut state, &rule, 2, 10);
            assert!(state.refund(&charged, 2, 10_000));
            assert_eq!(state.look(&rule, 0, 10_000).remaining, rule.limit - 1);
            if rule != BUCKET {
                assert!(
                    state.refund(&charged, u64::MAX, 10_000),
                    "that it comes once is for others to see to"
                );
                assert_eq!(state.look(&rule, 0, 10_000).remaining, rule.limit);
            }
        }
    }

    #[test]
    fn a_charge_of_another_window_or_incarnation_is_not_refunded() {
        let mut state = QuotaState::default();
        let charged = charge_for_receipt(&mut state, &WINDOW, 1, 10);
        charge(&mut state, &WINDOW, 1, 1_010);
        assert!(!state.refund(&charged, 1, 1_010_000));
        let mut state = QuotaState::default();
        let charged = charge_for_receipt(&mut state, &BUCKET, 1, 10);
        assert!(state.clone().refund(&charged, 1, 259_999));
        assert!(!state.refund(&charged, 1, 260_000), "it has come back by itself");
        let mut state = QuotaState::default();
        let charged = charge_for_receipt(&mut state, &BALANCE, 1, 10);
        assert!(!state.refund(&charged, 1, (10 + RECEIPT_MS) * 1000));
        let mut anew = QuotaState::default();
        charge(&mut anew, &BALANCE, 3, 11);
        assert!(!anew.refund(&charged, 1, 11_000));
    }

    #[test]
    fn a_bucket_refunds_the_remaining_units_of_a_charge_and_no_units_of_later_charges() {
        let mut state = QuotaState::default();
        let early = charge_for_receipt(&mut state, &BUCKET, 2, 1_000);
        // One of them has returned.
        let late = charge_for_receipt(&mut state, &BUCKET, 3, 1_250);
        assert_eq!(state.look(&BUCKET, 0, 1_250_000).remaining, 0);
        assert!(state.clone().refund(&early, 2, 1_250_000));
        let mut both = state.clone();
        assert!(both.refund(&late, 3, 1_499_999) && both.refund(&early, 2, 1_499_999));
        assert_eq!(both.look(&BUCKET, 0, 1_499_999).remaining, 4);
        // Both have returned, and all used units belong to the other charge.
        assert!(!state.refund(&early, 2, 1_500_000));
        assert_eq!(state.look(&BUCKET, 0, 1_500_000).remaining, 1);
        assert!(state.refund(&late, 3, 1_500_000));
        assert_eq!(state.look(&BUCKET, 0, 1_500_000).remaining, 4);
    }

    #[test]
    fn refunds_of_a_bucket_are_exact_in_any_order() {
        let wide = QuotaRule { limit: 1_000, refill: Refill::Bucket(10_000_000) };
        let back = |count: usize, step: usize| {
            let mut state = QuotaState::default();
            let all: Vec<_> =
                (0..count).map(|_| charge_for_receipt(&mut state, &wide, 1, 1)).collect();
            let given =
                (0..count).filter(|n| state.refund(&all[n * step % count], 1, 1_000)).count();
            assert_eq!(state.look(&wide, 0, 1_000).remaining, 1_000 - (count - given) as u64);
            given
        };
        for step in [1, 3, 7, 49, 51, 97, 99] {
            assert_eq!(back(100, step), 100);
        }
        // With more gaps than the state remembers, some refunds are smaller until the units return.
        assert!((200..999).contains(&back(999, 2)));
    }

    #[test]
    fn a_bucket_at_the_end_of_its_count_begins_again_and_keeps_the_used_units() {
        let mut state = QuotaState::default();
        let early = charge_for_receipt(&mut state, &BUCKET, 1, 1);
        state.added = MOST - 1;
        let last = charge_for_receipt(&mut state, &BUCKET, 1, 1);
        assert_eq!(last.at, MOST);
        let next = charge_for_receipt(&mut state, &BUCKET, 1, 1);
        assert_eq!(next.at, 1);
        assert!(!state.refund(&early, 1, 1_000) && !state.refund(&last, 1, 1_000));
        assert_eq!(state.look(&BUCKET, 0, 1_000).remaining, 1);
        assert!(state.refund(&next, 1, 1_000));
    }

    #[test]
    fn the_largest_numbers_neither_wrap_nor_grant() {
        let rule = QuotaRule { limit: MOST, refill: Refill::Never };
        let mut state = QuotaState::default();
        assert_eq!(charge(&mut state, &rule, MOST, 0).remaining, 0);
        assert!(!charge(&mut state, &rule, 1, 0).allowed);
        assert!(!charge(&mut state, &rule, MOST, 0).allowed);
        const DECADE_MS: u64 = 10 * 366 * 24 * 60 * 60 * 1000;
        let fine = QuotaRule { limit: DECADE_MS * 1000, refill: Refill::Bucket(DECADE_MS) };
        let coarse = QuotaRule { limit: 1, ..fine };
        let mut state = QuotaState::default();
        assert_eq!(charge(&mut state, &fine, DECADE_MS * 1000, 1).remaining, 0);
        assert_eq!(state.look(&coarse, 1, 1_000).reset_ms, Some(MOST.div_ceil(1000)));
    }
}
