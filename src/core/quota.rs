//! Quotas: how many units are used, and whether more may be. The units USED are kept, so that a
//! changed limit acts at once; nothing is taken where it does not suffice.

mod given_back;

use super::due_map::Due;
use given_back::GivenBack;

/// The largest number of units, and the last microsecond (in the year 2255), that every store counts
/// exactly.
pub const MOST: u64 = (1 << 53) - 1;

/// So long after its charge a receipt is worth nothing, in milliseconds.
pub const RECEIPT_MS: u64 = 24 * 60 * 60 * 1000;

/// How a quota refills.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refill {
    /// Never: a prepaid balance.
    Never,
    /// All at once, so many milliseconds after the first charge.
    Window(u64),
    /// Unit by unit, all of them within so many milliseconds (the generic cell rate algorithm). The
    /// limit is at most that time in microseconds.
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
    /// Microseconds after which one unit of a bucket is back, rounded up; of the others 0.
    #[must_use]
    pub const fn period_us(&self) -> u64 {
        match self.refill {
            Refill::Bucket(window_ms) => (window_ms * 1000).div_ceil(self.limit),
            _ => 0,
        }
    }
}

/// When something happens to a quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// By the clock that decides, in microseconds.
    pub us: u64,
    /// What a quota that begins now is told apart by: `us`, or more where one was reset in it.
    pub born_us: u64,
}

impl Moment {
    /// That microsecond.
    #[must_use]
    pub const fn at(us: u64) -> Self {
        Self { us, born_us: us }
    }
}

/// What is to be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spend {
    /// Units; 0 looks.
    pub cost: u64,
    /// A balance is forgotten so long after its last charge, in milliseconds; `None`: never.
    pub keep_ms: Option<u64>,
    /// Of the receipt, where one is wanted: 128 random bits.
    pub receipt: Option<ReceiptId>,
}

impl Spend {
    /// So many units, without end and without receipt.
    #[must_use]
    pub const fn of(cost: u64) -> Self {
        Self { cost, keep_ms: None, receipt: None }
    }
}

/// What a receipt is told apart by.
pub type ReceiptId = [u8; 16];

/// What is known of a charge by which it can be given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Charged {
    /// Of its receipt.
    pub id: ReceiptId,
    /// The quota's `born_us`: after a reset, or in the next window, it is another.
    pub born_us: u64,
    /// From then on nothing is given back, in milliseconds.
    pub void_ms: u64,
    /// Of a bucket: the units ever charged to it, with this charge.
    pub at: u64,
}

/// What a charge came to, or would come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Consumption {
    /// Whether the units were there.
    pub allowed: bool,
    /// The limit, with what a balance was topped up by.
    pub limit: u64,
    /// Units left, after the charge where there was one.
    pub remaining: u64,
    /// When all units are back, in milliseconds; `None` where none is to come back.
    pub reset_ms: Option<u64>,
    /// The same from now, by the clock that decided.
    pub reset_in_ms: Option<u64>,
    /// When asking again may help, from now; `None`: it refills never, or the cost is above the limit.
    pub retry_after_ms: Option<u64>,
    /// It was charged before, and is told again.
    pub replayed: bool,
    /// Where units were taken and a receipt was wanted.
    pub charged: Option<Charged>,
}

/// What is kept of a quota.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QuotaState {
    /// What it is told apart by from those before and after it under the same key.
    pub born_us: u64,
    /// Units used, and not yet back.
    pub used: u64,
    /// Units by which a balance was topped up; of a bucket those that were ever charged.
    pub added: u64,
    /// Of a bucket: since when its units come back.
    pub since_us: u64,
    /// When it is forgotten, in milliseconds; 0: never. Of a window its end, fixed by its first charge,
    /// so that a changed window length acts from the next window on. Of a bucket when it is full, by the
    /// rule of its last charge, and that charge can no longer be given back.
    pub until_ms: u64,
    /// Of a bucket: microseconds after which a unit is back, by the rule of its last charge.
    pub period_us: u64,
    /// Of a bucket: what was given back of charges amid others.
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
    /// What a charge of `cost` would come to; nothing is taken.
    #[must_use]
    pub fn look(&self, rule: &QuotaRule, cost: u64, now_us: u64) -> Consumption {
        let state = self.at(rule, now_us);
        let limit = state.limit(rule);
        let remaining = limit.saturating_sub(state.used);
        let allowed = cost <= remaining;
        let in_ms = |us: u64| us.saturating_sub(now_us).div_ceil(1000);
        let reset_us = state.back_us(rule, state.used);
        // What is used beyond a limit that was lowered must come back as well.
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

    /// Takes the units, where they are there.
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
                    // Nothing that was charged by now can be given back any more.
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

    /// Tops a balance up. `None`: there would be more units than can be counted; nothing was done.
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

    /// Whether a charge may still be given back.
    #[must_use]
    pub fn stands(&self, charged: &Charged, now_us: u64) -> bool {
        let now_ms = now_us / 1000;
        let is_same = charged.void_ms > now_ms && self.born_us == charged.born_us;
        is_same && !self.is_over(now_ms)
    }

    /// Gives units of a charge back. False: its window has passed, the quota has begun anew since, or all have come back by
    /// themselves.
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
            // By a clock that is set back others may be used that were charged before it.
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

    /// Whether it says no more than one that was never charged.
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

    /// When so many of the used units are back; `None` where they never are, or there is none to wait for.
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

    /// As it stands at that instant.
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

    /// Units that are back. A clock that was set back brings none back, and takes none.
    fn back(&self, period_us: u64, now_us: u64) -> u64 {
        (now_us.saturating_sub(self.since_us) / period_us).min(self.used)
    }
}

#[cfg(test)]
mod tests;
