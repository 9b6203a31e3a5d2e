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
fn a_changed_limit_acts_at_once_and_one_below_the_units_used_leaves_none() {
    let mut state = QuotaState::default();
    charge(&mut state, &BALANCE, 5, 0);
    let less = QuotaRule { limit: 2, ..BALANCE };
    assert_eq!(state.look(&less, 1, 0).remaining, 0);
    let more = QuotaRule { limit: 7, ..BALANCE };
    assert_eq!(charge(&mut state, &more, 2, 0).remaining, 0);
}

#[test]
fn a_balance_is_topped_up_beside_what_is_used() {
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
    assert_eq!(state.look(&slower, 1, 1_250_000).retry_after_ms, Some(667), "two must come back");
}

#[test]
fn what_is_given_back_can_be_taken_again_and_no_more() {
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
fn what_belongs_to_another_time_is_not_given_back() {
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
fn a_bucket_gives_back_what_is_left_of_a_charge_and_nothing_of_those_behind_it() {
    let mut state = QuotaState::default();
    let early = charge_for_receipt(&mut state, &BUCKET, 2, 1_000);
    // One of them has come back by itself.
    let late = charge_for_receipt(&mut state, &BUCKET, 3, 1_250);
    assert_eq!(state.look(&BUCKET, 0, 1_250_000).remaining, 0);
    assert!(state.clone().refund(&early, 2, 1_250_000));
    let mut both = state.clone();
    assert!(both.refund(&late, 3, 1_499_999) && both.refund(&early, 2, 1_499_999));
    assert_eq!(both.look(&BUCKET, 0, 1_499_999).remaining, 4);
    // Both have, and all that is used is the other's.
    assert!(!state.refund(&early, 2, 1_500_000));
    assert_eq!(state.look(&BUCKET, 0, 1_500_000).remaining, 1);
    assert!(state.refund(&late, 3, 1_500_000));
    assert_eq!(state.look(&BUCKET, 0, 1_500_000).remaining, 4);
}

#[test]
fn what_is_given_back_of_a_bucket_comes_back_in_whatever_order() {
    let wide = QuotaRule { limit: 1_000, refill: Refill::Bucket(10_000_000) };
    let back = |count: usize, step: usize| {
        let mut state = QuotaState::default();
        let all: Vec<_> = (0..count).map(|_| charge_for_receipt(&mut state, &wide, 1, 1)).collect();
        let given = (0..count).filter(|n| state.refund(&all[n * step % count], 1, 1_000)).count();
        assert_eq!(state.look(&wide, 0, 1_000).remaining, 1_000 - (count - given) as u64);
        given
    };
    for step in [1, 3, 7, 49, 51, 97, 99] {
        assert_eq!(back(100, step), 100);
    }
    // With more gaps than are kept some of those that lie ahead of them are not given back before they come back by themselves.
    assert!((200..999).contains(&back(999, 2)));
}

#[test]
fn a_bucket_that_has_counted_to_the_end_begins_anew_and_keeps_what_is_used() {
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
