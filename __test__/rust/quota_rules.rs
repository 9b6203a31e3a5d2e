//! The rules of quotas against books that are kept in another way, over random sequences on a clock that
//! also steps back: granted + remaining = limit + added + refills - refunds, to the unit.

use latchgate::core::quota::state::{
    Charged, Consumption, MOST, Moment, QuotaRule, QuotaState, Refill, Spend,
};

/// A generator that is the same in every run (xorshift).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

/// What is known by counting every unit that was ever granted, topped up, refilled or given back.
#[derive(Clone)]
struct Books {
    rule: QuotaRule,
    granted: u64,
    added: u64,
    refunded: u64,
    refilled: u64,
    /// Of a window: when it ends (ms). Of a bucket: when all is back, as the generic cell rate algorithm has
    /// it (us).
    at: u64,
    /// Of a bucket: the charges whose units are out, and how many of each, the earliest first.
    line: Vec<(Charge, u64)>,
}

type Charge = [u8; 16];

impl Books {
    fn of(rule: QuotaRule) -> Self {
        Self { rule, granted: 0, added: 0, refunded: 0, refilled: 0, at: 0, line: Vec::new() }
    }

    fn out(&self) -> u64 {
        self.granted - self.refunded - self.refilled
    }

    /// With what has come back by then.
    fn by(&self, now_us: u64) -> Self {
        let mut books = self.clone();
        books.turn(now_us);
        books
    }

    fn turn(&mut self, now_us: u64) {
        match self.rule.refill {
            Refill::Never => {}
            Refill::Window(_) => {
                if self.at <= now_us / 1000 {
                    self.refilled += self.out();
                }
            }
            Refill::Bucket(_) => {
                let still_out = self.at.saturating_sub(now_us).div_ceil(self.rule.period_us());
                let mut back = self.out().saturating_sub(still_out);
                self.refilled += back;
                while back > 0 {
                    let first = &mut self.line[0].1;
                    let taken = back.min(*first);
                    (*first, back) = (*first - taken, back - taken);
                    if *first == 0 {
                        self.line.remove(0);
                    }
                }
            }
        }
    }

    fn remaining(&self) -> u64 {
        (self.rule.limit + self.added).saturating_sub(self.out())
    }

    fn grant(&mut self, charge: Charge, cost: u64, now_us: u64) {
        self.turn(now_us);
        match self.rule.refill {
            Refill::Never => {}
            Refill::Window(ms) if self.out() == 0 => self.at = now_us / 1000 + ms,
            Refill::Window(_) => {}
            Refill::Bucket(_) => {
                if self.out() == 0 {
                    self.at = now_us;
                }
                self.at += cost * self.rule.period_us();
                self.line.push((charge, cost));
            }
        }
        self.granted += cost;
    }

    /// So many of a charge's units are out.
    fn out_of(&self, charge: &Charge, units: u64) -> u64 {
        match self.rule.refill {
            Refill::Bucket(_) => {
                self.line.iter().find(|(one, _)| one == charge).map_or(0, |(_, left)| *left)
            }
            _ => units.min(self.out()),
        }
    }

    fn give_back(&mut self, charge: &Charge, units: u64) {
        self.refunded += units;
        if let Refill::Bucket(_) = self.rule.refill {
            self.at -= units * self.rule.period_us();
            let (_, left) = self.line.iter_mut().find(|(one, _)| one == charge).unwrap();
            *left -= units;
            self.line.retain(|(_, left)| *left > 0);
        }
    }

    /// The one line that everything is about.
    fn balance(&self, told: &Consumption, now_us: u64) {
        let Self { rule, granted, added, refunded, refilled, .. } = self.by(now_us);
        let sum = rule.limit + added + refilled + refunded;
        assert_eq!(granted + told.remaining, sum, "{rule:?}");
    }
}

fn play(seed: u64, rule: QuotaRule) {
    let mut dice = Dice(seed);
    let mut books = Books::of(rule);
    let mut state = QuotaState::default();
    let mut receipts: Vec<(Charged, u64)> = Vec::new();
    let mut now_us = 1_700_000_000_000_000;
    for step in 0..400_u64 {
        match dice.roll(8) {
            0..=3 => {
                let cost = dice.roll(rule.limit + 2);
                let before = state.clone();
                let id = u128::from(step).to_be_bytes();
                let spend = Spend { receipt: Some(id), ..Spend::of(cost) };
                let told = state.charge(&rule, &spend, Moment::at(now_us));
                let suffices = cost <= books.by(now_us).remaining();
                assert_eq!(told.allowed, suffices);
                if suffices && cost > 0 {
                    books.grant(id, cost, now_us);
                    receipts.push((told.charged.unwrap(), cost));
                } else {
                    assert_eq!(state, before, "a denial, or a look, changes nothing");
                }
                books.balance(&told, now_us);
                if let (false, Some(ms)) = (told.allowed, told.retry_after_ms) {
                    let then_us = now_us + ms * 1000;
                    assert!(state.look(&rule, cost, then_us).allowed, "as it was told");
                    if ms > 1 {
                        let sooner = state.look(&rule, cost, then_us - 1001);
                        assert!(!sooner.allowed, "and not sooner");
                    }
                }
            }
            4 if rule.refill == Refill::Never => {
                let units = 1 + dice.roll(5);
                let told = state.add(&rule, units, Moment::at(now_us)).unwrap();
                books.added += units;
                books.balance(&told, now_us);
            }
            5 if !receipts.is_empty() => {
                let at = usize::try_from(dice.roll(receipts.len() as u64)).unwrap();
                let (charged, units) = receipts.swap_remove(at);
                let before = state.clone();
                let out = books.by(now_us).out_of(&charged.id, units);
                let stands = state.stands(&charged, now_us);
                if state.refund(&charged, units, now_us) {
                    books.give_back(&charged.id, out);
                } else {
                    assert!(!stands || out == 0, "it was there to be given back");
                    assert_eq!(state, before);
                }
                books.balance(&state.look(&rule, 0, now_us), now_us);
            }
            6 => now_us -= dice.roll(400_000),
            _ => now_us += dice.roll(700_000),
        }
        // A quota as it is kept says the same from now on, whoever forgets it when it says it is over.
        if state.is_over(now_us / 1000) && dice.roll(2) == 0 {
            let kept = state.look(&rule, 0, now_us);
            assert_eq!(kept, QuotaState::default().look(&rule, 0, now_us));
            state = QuotaState::default();
            books = Books::of(rule);
        }
    }
}

#[test]
fn the_books_of_every_algorithm_balance_to_the_unit() {
    for seed in 1..=400 {
        let mut dice = Dice(seed * 0x9E37_79B9);
        let limit = 1 + dice.roll(12);
        let ms = 1 + dice.roll(2_000);
        for refill in [Refill::Never, Refill::Window(ms), Refill::Bucket(ms)] {
            play(seed, QuotaRule { limit, refill });
        }
    }
}

#[test]
fn a_bucket_of_one_unit_a_microsecond_keeps_its_books_too() {
    for seed in 1..=50 {
        play(seed, QuotaRule { limit: 1_000, refill: Refill::Bucket(1) });
        play(seed, QuotaRule { limit: 7, refill: Refill::Bucket(1) });
    }
}

#[test]
fn a_limit_that_changes_acts_at_once_and_forgets_nothing() {
    let mut dice = Dice(7);
    for refill in [Refill::Never, Refill::Window(60_000), Refill::Bucket(60_000)] {
        let mut state = QuotaState::default();
        let mut granted = 0;
        for _ in 0..300 {
            let rule = QuotaRule { limit: 1 + dice.roll(50), refill };
            let cost = dice.roll(5);
            let now = Moment::at(1_700_000_000_000_000);
            let told = state.charge(&rule, &Spend::of(cost), now);
            if told.allowed {
                granted += cost;
            }
            assert_eq!(told.remaining, rule.limit.saturating_sub(granted));
        }
        assert!(granted <= MOST);
    }
}
