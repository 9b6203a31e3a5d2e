//! Quotas: to the unit, in the decision or on their own, and nothing burned by a denial.

use super::support::*;
use super::{assert_nothing_left, on_every_store};
use latchgate::core::base::reason::Reason;
use latchgate::core::op::Act;
use latchgate::core::quota::charge::Charge;
use latchgate::core::quota::state::{MOST, Spend};
use latchgate::core::request::request::SessionCheck;
use latchgate::core::store::Store;

fn ask(store: &dyn Store, session: &str, charge: Option<Charge<'_>>) -> (Reason, Option<u64>) {
    let mut request = request("u", session, START_MS, SessionCheck::FirstUse);
    request.charge = charge;
    let decision = decide(store, request);
    (decision.reason, decision.quota.map(|quota| quota.remaining))
}

#[test]
fn a_balance_is_spent_to_the_unit_with_the_user_and_apart() {
    on_every_store(|store, clock| {
        for charge in [charge, charge_apart] {
            let key = if charge("k", balance(3), 1).is_some() { "k" } else { "" };
            assert_eq!(ask(store, "s", charge(key, balance(3), 2)), (Reason::Allowed, Some(1)));
            let before = store.dump();
            assert_eq!(
                ask(store, "s", charge(key, balance(3), 2)),
                (Reason::QuotaExhausted, Some(1))
            );
            assert_eq!(store.dump(), before);
            assert_eq!(ask(store, "s", charge(key, balance(3), 0)), (Reason::Allowed, Some(1)));
            assert_eq!(ask(store, "s", charge(key, balance(3), 1)), (Reason::Allowed, Some(0)));
            clock.advance_ms(1);
        }
    });
}

#[test]
fn a_window_refills_as_a_whole_and_says_when() {
    on_every_store(|store, clock| {
        let rule = window(2, 60_000);
        assert_eq!(consume(store, "k", rule, 0).reset_ms, None);
        assert_eq!(consume(store, "k", rule, 2).reset_ms, Some(START_MS + 60_000));
        clock.advance_ms(59_999);
        let refused = consume(store, "k", rule, 1);
        assert_eq!((refused.allowed, refused.remaining), (false, 0));
        assert_eq!((refused.reset_ms, refused.retry_after_ms), (Some(START_MS + 60_000), Some(1)));
        clock.advance_ms(1);
        assert_eq!(consume(store, "k", rule, 1).remaining, 1);
        clock.advance_ms(60_000);
        assert_nothing_left(store, clock);
    });
}

#[test]
fn a_bucket_whose_limit_was_lowered_far_says_when_it_is_full_again() {
    on_every_store(|store, _| {
        let look = |rule, cost| {
            let mut request = request("u", "s", START_MS, SessionCheck::FirstUse);
            request.charge = charge("q", rule, cost);
            decide(store, request).quota.unwrap()
        };
        let month = 30 * 24 * HOUR;
        look(bucket(1_000_000_000, month), 900_000_000);
        let lowered = bucket(1, month);
        let apart = consume(store, "apart", bucket(1_000_000_000, month), 900_000_000);
        assert!(apart.allowed);
        let told = consume(store, "apart", lowered, 0);
        assert_eq!(told.reset_ms, Some(MOST.div_ceil(1000)));
        let here = look(lowered, 0);
        assert_eq!((here.remaining, here.reset_ms), (0, told.reset_ms));
        assert_eq!(here.reset_in_ms, told.reset_in_ms);
    });
}

#[test]
fn a_request_denied_for_another_reason_is_not_charged() {
    on_every_store(|store, _| {
        for charge in [charge, charge_apart] {
            for id in ["a", "b", "c"] {
                ask(store, id, None);
            }
            assert_eq!(ask(store, "d", charge("q", balance(1), 1)), (Reason::SessionLimit, None));
            assert_eq!(ask(store, "a", charge("q", balance(1), 1)), (Reason::Allowed, Some(0)));
            assert_eq!(ask(store, "a", charge("q", balance(1), 1)).0, Reason::QuotaExhausted);
        }
    });
}

#[test]
fn a_request_without_quota_left_admits_no_session_and_touches_none() {
    on_every_store(|store, clock| {
        ask(store, "a", charge("q", balance(1), 1));
        let before = store.dump();
        clock.advance_ms(500);
        assert_eq!(ask(store, "a", charge("q", balance(1), 1)).0, Reason::QuotaExhausted);
        assert_eq!(ask(store, "b", charge("q", balance(1), 1)).0, Reason::QuotaExhausted);
        assert_eq!(store.dump(), before);
    });
}

#[test]
fn a_quota_that_is_reset_begins_anew() {
    on_every_store(|store, _| {
        let reset = || flag(store, Act::ResetQuotas { keys: vec!["k".into(), "l".into()] });
        assert!(!reset());
        consume(store, "k", balance(2), 2);
        assert!(reset());
        assert_eq!(store.dump(), "");
        assert_eq!(consume(store, "k", balance(2), 2).remaining, 0);
    });
}

#[test]
fn quotas_of_two_users_are_two() {
    on_every_store(|store, _| {
        assert_eq!(ask(store, "s", charge("q", balance(1), 1)).1, Some(0));
        let mut other = request("v", "s", START_MS, SessionCheck::Skip);
        other.charge = charge("q", balance(1), 1);
        assert_eq!(decide(store, other).reason, Reason::Allowed);
    });
}

#[test]
fn the_quota_of_a_session_ends_with_its_window_or_when_the_session_must() {
    on_every_store(|store, clock| {
        let of_session = |key, rule| {
            let mut request = request("u", "s", START_MS, SessionCheck::Skip);
            let keep_ms = Some(12 * HOUR);
            request.charge = charge(key, rule, 1)
                .map(|charge| Charge { spend: Spend { keep_ms, ..charge.spend }, ..charge });
            decide(store, request).quota.unwrap()
        };
        for left in [2, 1, 0] {
            let quota = of_session("w", window(3, HOUR));
            assert_eq!((quota.remaining, quota.reset_ms), (left, Some(START_MS + HOUR)));
        }
        for left in [1, 0] {
            assert_eq!(of_session("b", balance(2)).remaining, left);
            clock.advance_ms(11 * HOUR);
        }
        clock.advance_ms(HOUR);
        assert_eq!(
            of_session("b", balance(2)).remaining,
            1,
            "forgotten 12 hours after the last charge"
        );
    });
}
