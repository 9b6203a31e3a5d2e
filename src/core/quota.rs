//! Quotas: how many units are used, and whether more may be. The units USED are kept, so that a
//! changed limit acts at once; nothing is taken where it does not suffice.

/// How a quota refills.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refill {
    /// Never: a prepaid balance.
    Never,
    /// All at once, so many milliseconds after the first charge.
    Window(u64),
}

/// A quota's rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuotaRule {
    /// Most units, 1 to 2^53 - 1.
    pub limit: u64,
    /// How it refills.
    pub refill: Refill,
}

/// What a charge came to, or would come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Consumption {
    /// Whether the units were there.
    pub allowed: bool,
    /// The limit.
    pub limit: u64,
    /// Units left, after the charge where there was one.
    pub remaining: u64,
    /// When the running window ends, in milliseconds; `None` where none runs.
    pub reset_ms: Option<u64>,
    /// The same from now, by the clock that decided.
    pub reset_in_ms: Option<u64>,
    /// When asking again may help, from now; `None`: it refills never, or the cost is above the limit.
    pub retry_after_ms: Option<u64>,
}

/// What is kept of a quota.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QuotaState {
    used: u64,
    /// When it is forgotten, in milliseconds; 0: never. For a window, its end: fixed by its first
    /// charge, so that a changed window length acts from the next window on.
    ends_ms: u64,
}

impl QuotaState {
    /// What a charge of `cost` would come to; nothing is taken.
    #[must_use]
    pub fn look(&self, rule: &QuotaRule, cost: u64, now_ms: u64) -> Consumption {
        let state = self.at(now_ms);
        let remaining = rule.limit.saturating_sub(state.used);
        let allowed = cost <= remaining;
        let running = matches!(rule.refill, Refill::Window(_)) && state.used > 0;
        let reset_ms = running.then_some(state.ends_ms);
        let reset_in_ms = reset_ms.map(|end| end.saturating_sub(now_ms));
        let helps = !allowed && cost <= rule.limit;
        Consumption {
            allowed,
            limit: rule.limit,
            remaining,
            reset_ms,
            reset_in_ms,
            retry_after_ms: reset_in_ms.filter(|_| helps),
        }
    }

    /// Takes `cost` units, which `look` found to be there. `keep_ms`: a quota that does not refill is
    /// forgotten so long after its last charge; `None`: never.
    pub fn charge(
        &mut self,
        rule: &QuotaRule,
        cost: u64,
        now_ms: u64,
        keep_ms: Option<u64>,
    ) -> Consumption {
        let found = self.look(rule, cost, now_ms);
        if !found.allowed || cost == 0 {
            return found;
        }
        *self = self.at(now_ms);
        match (rule.refill, keep_ms) {
            (Refill::Window(window_ms), _) if self.used == 0 => {
                self.ends_ms = now_ms.saturating_add(window_ms)
            }
            (Refill::Never, Some(keep_ms)) => {
                self.ends_ms = self.ends_ms.max(now_ms.saturating_add(keep_ms))
            }
            _ => {}
        }
        self.used += cost;
        Consumption { allowed: true, ..self.look(rule, 0, now_ms) }
    }

    /// As it stands at that instant.
    fn at(self, now_ms: u64) -> Self {
        if self.is_over(now_ms) { Self::default() } else { self }
    }

    /// Whether it says no more than one that was never charged.
    #[must_use]
    pub fn is_over(&self, now_ms: u64) -> bool {
        self.used == 0 || (self.ends_ms != 0 && self.ends_ms <= now_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BALANCE: QuotaRule = QuotaRule { limit: 5, refill: Refill::Never };
    const WINDOW: QuotaRule = QuotaRule { limit: 5, refill: Refill::Window(1_000) };

    #[test]
    fn a_balance_is_spent_to_the_unit_and_never_below() {
        let mut state = QuotaState::default();
        assert_eq!(state.charge(&BALANCE, 3, 0, None).remaining, 2);
        let before = state;
        let refused = state.charge(&BALANCE, 3, 0, None);
        assert_eq!((refused.allowed, refused.remaining, refused.retry_after_ms), (false, 2, None));
        assert_eq!(state, before);
        assert_eq!(state.charge(&BALANCE, 2, u64::MAX, None).remaining, 0);
        assert!(state.charge(&BALANCE, 0, 0, None).allowed, "a cost of 0 looks");
        assert!(!state.charge(&BALANCE, 1, 0, None).allowed);
    }

    #[test]
    fn a_changed_limit_acts_at_once_and_one_below_the_units_used_leaves_none() {
        let mut state = QuotaState::default();
        state.charge(&BALANCE, 5, 0, None);
        let less = QuotaRule { limit: 2, ..BALANCE };
        assert_eq!(state.look(&less, 1, 0).remaining, 0);
        let more = QuotaRule { limit: 7, ..BALANCE };
        assert_eq!(state.charge(&more, 2, 0, None).remaining, 0);
    }

    #[test]
    fn a_window_starts_at_its_first_charge_and_refills_as_a_whole() {
        let mut state = QuotaState::default();
        assert_eq!(state.look(&WINDOW, 0, 500).reset_ms, None);
        assert_eq!(state.charge(&WINDOW, 1, 500, None).reset_ms, Some(1_500));
        assert_eq!(state.charge(&WINDOW, 4, 1_499, None).remaining, 0);
        let refused = state.charge(&WINDOW, 1, 1_499, None);
        assert_eq!((refused.allowed, refused.retry_after_ms), (false, Some(1)));
        assert_eq!(state.look(&WINDOW, 6, 1_499).retry_after_ms, None, "above the limit for ever");
        let fresh = state.charge(&WINDOW, 5, 1_500, None);
        assert_eq!((fresh.allowed, fresh.remaining, fresh.reset_ms), (true, 0, Some(2_500)));
    }

    #[test]
    fn the_largest_numbers_neither_wrap_nor_grant() {
        const MOST: u64 = (1 << 53) - 1;
        let rule = QuotaRule { limit: MOST, refill: Refill::Never };
        let mut state = QuotaState::default();
        assert_eq!(state.charge(&rule, MOST, 0, None).remaining, 0);
        assert!(!state.charge(&rule, 1, 0, None).allowed);
        assert!(!state.charge(&rule, MOST, 0, None).allowed);
    }
}
