//! Buckets, top-ups, idempotency keys and refunds: the same on every store, to the unit.

use super::support::*;
use super::{assert_nothing_left, on_every_store};
use latchgate::core::base::error::FaultCode;
use latchgate::core::base::reason::Reason;
use latchgate::core::op::Outcome;
use latchgate::core::op::{Act, Answer, Op};
use latchgate::core::quota::charge::{Charge, QuotaPlace};
use latchgate::core::quota::idempotency::Idempotency;
use latchgate::core::quota::spend::Refund;
use latchgate::core::quota::state::{Charged, Consumption, MOST, Spend};
use latchgate::core::request::request::{Decision, SessionCheck};
use latchgate::core::store::Store;

const DAY: u64 = 24 * HOUR;

/// A request of a user that is charged.
fn ask(store: &dyn Store, charge: Option<Charge<'_>>) -> Outcome {
    let mut request = request("u", "s", START_MS, SessionCheck::FirstUse);
    request.charge = charge;
    outcome(store, Op { act: Act::Decide(request), horizon_ms: HORIZON, most_lead_ms: 0 })
}

fn decided(outcome: Outcome) -> Decision {
    match outcome.unwrap() {
        Answer::Decision(decision) => decision,
        other => panic!("not a decision: {other:?}"),
    }
}

pub fn with(
    charge: Option<Charge<'_>>,
    spend: Spend,
    once: Option<Idempotency>,
) -> Option<Charge<'_>> {
    charge.map(|charge| Charge { spend, once, ..charge })
}

fn consume_once(
    store: &dyn Store,
    cost: u64,
    id: u8,
    once: Option<Idempotency>,
) -> Result<Consumption, FaultCode> {
    let told = consume_with(store, "bdk", balance(5), spend(cost, id), once);
    told.map_err(|fault| fault.code)
}

#[test]
fn a_bucket_gives_its_units_back_one_by_one_wherever_it_lies() {
    on_every_store(|store, clock| {
        let rule = bucket(4, 1_000);
        for place in [charge, charge_apart] {
            let start_ms = {
                let spent = decided(ask(store, place("gk", rule, 4))).quota.unwrap();
                assert_eq!((spent.remaining, spent.limit), (0, 4));
                spent.reset_ms.unwrap() - 1_000
            };
            clock.advance_ms(249);
            let refused = decided(ask(store, place("gk", rule, 2)));
            assert_eq!(refused.reason, Reason::QuotaExhausted);
            let refused = refused.quota.unwrap();
            assert_eq!((refused.remaining, refused.retry_after_ms), (0, Some(251)));
            assert_eq!(
                decided(ask(store, place("gk", rule, 5))).quota.unwrap().retry_after_ms,
                None
            );
            clock.advance_ms(1);
            let one = decided(ask(store, place("gk", rule, 1))).quota.unwrap();
            assert_eq!((one.remaining, one.reset_ms), (0, Some(start_ms + 1_250)));
            assert_eq!(one.reset_in_ms, Some(1_000));
            clock.set_us((start_ms + 100) * 1000);
            let back = decided(ask(store, place("gk", rule, 1)));
            assert_eq!(back.reason, Reason::QuotaExhausted, "the clock was set back");
            clock.set_us((start_ms + 1_249) * 1000 + 999);
            assert_eq!(decided(ask(store, place("gk", rule, 0))).quota.unwrap().remaining, 3);
            clock.set_us((start_ms + 1_250) * 1000);
            let full = decided(ask(store, place("gk", rule, 0))).quota.unwrap();
            assert_eq!((full.remaining, full.reset_ms), (4, None));
        }
    });
}

#[test]
fn a_bucket_that_is_full_leaves_nothing() {
    on_every_store(|store, clock| {
        consume(store, "gdk", bucket(3, 60_000), 3);
        clock.advance_ms(59_999);
        assert_eq!(consume(store, "gdk", bucket(3, 60_000), 0).remaining, 2);
        clock.advance_ms(1);
        assert_nothing_left(store, clock);
    });
}

#[test]
fn a_balance_that_is_topped_up_has_as_many_units_more() {
    on_every_store(|store, _| {
        consume(store, "bdk", balance(5), 4);
        let topped = top_up(store, "bdk", balance(5), 10, None).unwrap();
        assert_eq!((topped.limit, topped.remaining, topped.reset_ms), (15, 11, None));
        let refused = consume(store, "bdk", balance(5), 12);
        assert_eq!((refused.allowed, refused.limit, refused.remaining), (false, 15, 11));
        let before = store.dump();
        for units in [MOST - 14, MOST] {
            let fault = top_up(store, "bdk", balance(5), units, None).unwrap_err();
            assert_eq!(fault.code, FaultCode::Input);
        }
        assert_eq!(store.dump(), before);
        assert_eq!(top_up(store, "bdk", balance(5), MOST - 15, None).unwrap().limit, MOST);
        assert_eq!(consume(store, "bdk", balance(9), MOST - 4).remaining, 0);
        assert_eq!(top_up(store, "bdl", balance(MOST - 1), 1, None).unwrap().remaining, MOST);
    });
}

#[test]
fn a_charge_under_an_idempotency_key_is_made_once_and_told_again() {
    on_every_store(|store, clock| {
        let first = consume_once(store, 2, 1, under(1, 1)).unwrap();
        assert_eq!((first.allowed, first.remaining, first.replayed), (true, 3, false));
        assert!(consume_once(store, 2, 2, None).unwrap().allowed);
        clock.advance_ms(DAY - 1);
        let before = store.dump();
        let again = consume_once(store, 2, 3, under(1, 1)).unwrap();
        assert_eq!(again, Consumption { replayed: true, ..first });
        assert_eq!(consume_once(store, 3, 3, under(1, 2)), Err(FaultCode::Input));
        assert_eq!(store.dump(), before);
        assert!(!consume_once(store, 2, 4, under(2, 1)).unwrap().allowed);
        assert_eq!(consume_once(store, 0, 4, under(2, 3)).unwrap().remaining, 1);
        assert_eq!(store.dump(), before, "a denial and a look are not remembered");
        clock.advance_ms(1);
        let anew = consume_once(store, 1, 5, under(1, 2)).unwrap();
        assert_eq!((anew.remaining, anew.replayed), (0, false));
        let topped = top_up(store, "bdk", balance(5), 3, under(2, 1)).unwrap();
        let again = top_up(store, "bdk", balance(5), 3, under(2, 1)).unwrap();
        assert_eq!(again, Consumption { replayed: true, ..topped });
        assert_eq!(
            top_up(store, "bdk", balance(5), 4, under(2, 2)).unwrap_err().code,
            FaultCode::Input
        );
    });
}

#[test]
fn a_request_under_an_idempotency_key_passes_again_and_is_charged_once() {
    on_every_store(|store, clock| {
        for (place, key) in [(charge as fn(_, _, _) -> _, 1), (charge_apart, 2)] {
            let rule = window(2, HOUR);
            let charged = |cost, once| with(place("wk", rule, 0), Spend::of(cost), once);
            let first = decided(ask(store, charged(2, under(key, 1)))).quota.unwrap();
            clock.advance_ms(10);
            assert_eq!(decided(ask(store, charged(1, None))).reason, Reason::QuotaExhausted);
            let again = decided(ask(store, charged(2, under(key, 1))));
            assert_eq!(again.reason, Reason::Allowed);
            let reset_in_ms = first.reset_in_ms.map(|ms| ms - 10);
            let expected = Consumption { replayed: true, reset_in_ms, ..first };
            assert_eq!(again.quota.unwrap(), expected);
            let other = ask(store, charged(1, under(key, 2))).unwrap_err();
            assert_eq!(other.code, FaultCode::Input);
            let mut revoked = request("u", "s", START_MS, SessionCheck::FirstUse);
            revoked.scope_ok = false;
            revoked.charge = charged(1, under(key, 2));
            assert_eq!(decide(store, revoked).reason, Reason::ScopeMissing, "denied all the same");
        }
    });
}

#[test]
fn a_charge_is_given_back_once_and_its_idempotency_key_forgotten() {
    on_every_store(|store, _| {
        let first = consume_once(store, 3, 1, under(1, 1)).unwrap().charged.unwrap();
        assert!(refund(store, "bdk", first, 3, under(1, 1)));
        assert!(!refund(store, "bdk", first, 3, under(1, 1)));
        let second = consume_once(store, 3, 2, under(1, 1)).unwrap();
        assert_eq!((second.remaining, second.replayed), (2, false));
        assert!(!refund(store, "bdk", first, 3, under(1, 1)));
        assert!(
            consume_once(store, 3, 3, under(1, 1)).unwrap().replayed,
            "the later charge stands"
        );
        let third = consume_once(store, 2, 4, None).unwrap().charged.unwrap();
        assert!(refund(store, "bdk", third, 2, None));
        assert_eq!(consume_once(store, 0, 0, None).unwrap().remaining, 2);
    });
}

#[test]
fn what_is_given_back_never_exceeds_what_was_taken_since_the_quota_began() {
    on_every_store(|store, clock| {
        let charged = |rule, cost, id| {
            consume_with(store, "xdk", rule, spend(cost, id), None).unwrap().charged.unwrap()
        };
        let reset = || flag(store, Act::ResetQuotas { keys: vec!["xdk".into()] });
        let old = charged(balance(5), 3, 1);
        assert!(reset());
        // A server tells apart what its clock tells apart.
        clock.advance_ms(u64::from(!clock.embedded));
        charged(balance(5), 4, 2);
        assert!(!refund(store, "xdk", old, 3, None), "reset since");
        assert_eq!(consume(store, "xdk", balance(5), 0).remaining, 1);
        assert!(reset());
        clock.advance_ms(1);

        let day_old = charged(balance(5), 3, 3);
        clock.advance_ms(DAY);
        assert!(!refund(store, "xdk", day_old, 3, None), "a day old");
        assert_eq!(consume(store, "xdk", balance(5), 0).remaining, 2);
        assert!(reset());

        let ended = charged(window(5, 1_000), 3, 4);
        clock.advance_ms(999);
        charged(window(5, 1_000), 1, 5);
        clock.advance_ms(1);
        assert!(!refund(store, "xdk", ended, 3, None), "the window has passed");
        charged(window(5, 1_000), 3, 6);
        assert!(!refund(store, "xdk", ended, 3, None), "another window runs");
        assert_eq!(consume(store, "xdk", window(5, 1_000), 0).remaining, 2);
        assert!(reset());

        let drained = charged(bucket(5, 1_000), 3, 7);
        clock.advance_ms(400);
        assert!(refund(store, "xdk", drained, 3, None), "two were back already");
        assert_eq!(consume(store, "xdk", bucket(5, 1_000), 0).remaining, 5);
        let late = charged(bucket(5, 1_000), 3, 8);
        clock.advance_ms(1_000);
        assert!(!refund(store, "xdk", late, 3, None), "the window has passed");
    });
}

#[test]
fn of_a_bucket_only_what_has_not_come_back_is_given_back_wherever_it_lies() {
    on_every_store(|store, clock| {
        let rule = bucket(10, 1_000);
        for (n, place) in [charge, charge_apart].into_iter().enumerate() {
            let of = 10 * n as u8;
            let take = |units, id| {
                let asked = with(place("gk", rule, 0), spend(units, of + id), None);
                decided(ask(store, asked)).quota.unwrap()
            };
            let here = place("gk", rule, 0).unwrap().place == QuotaPlace::Record;
            let back = |charged: Charged, units| {
                let (user, key) = (here.then(|| "u".into()), "gk".into());
                let (lasting, memory, of_request) = (false, None, true);
                let refund = Refund { user, lasting, key, charged, units, memory, of_request };
                flag(store, Act::Refund(refund))
            };
            let left = || take(0, 0).remaining;
            let early = take(5, 1).charged.unwrap();
            clock.advance_ms(300);
            let middle = take(4, 2).charged.unwrap();
            let late = take(3, 3).charged.unwrap();
            assert_eq!(left(), 1);
            assert!(back(middle, 4), "amid others");
            assert_eq!(left(), 5);
            clock.advance_ms(100);
            assert!(back(early, 5), "of which one is left");
            assert_eq!(left(), 7);
            clock.advance_ms(300);
            assert_eq!(take(10, 4).remaining, 0);
            assert!(!back(late, 3), "all have come back, and what is used is another's");
            assert_eq!(left(), 0);
            clock.advance_ms(1_000);
        }
    });
}

#[test]
fn a_charge_that_others_rest_on_is_given_back_with_the_last_of_them() {
    on_every_store(|store, _| {
        for (n, place) in [charge, charge_apart].into_iter().enumerate() {
            let rule = balance(5);
            let memory = 10 + n as u8;
            let take = |id| {
                decided(ask(store, with(place("bk", rule, 0), spend(2, id), under(memory, 1))))
                    .quota
                    .unwrap()
            };
            let here = n == 0;
            let back = |charged: Charged, of_request| {
                let (user, key) = (here.then(|| "u".into()), "bk".into());
                let (lasting, memory) = (here, Some([memory; 16]));
                let refund = Refund { user, lasting, key, charged, units: 2, memory, of_request };
                flag(store, Act::Refund(refund))
            };
            let first = take(1 + memory);
            let charged = first.charged.unwrap();
            for _ in 0..2 {
                let again = take(2 + memory);
                assert_eq!((again.replayed, again.charged), (true, Some(charged)));
            }
            assert!(!back(charged, true) && !back(charged, true), "one is left");
            let fourth = take(3 + memory);
            assert!(fourth.replayed);
            assert!(!back(charged, true));
            assert!(back(charged, true), "the last of them");
            assert!(!back(charged, true));
            let anew = take(4 + memory);
            assert_eq!((anew.replayed, anew.remaining), (false, 3));
            assert!(take(5 + memory).replayed);
            assert!(back(anew.charged.unwrap(), false), "by its receipt, whoever rests on it");
            assert_eq!(take(6 + memory).remaining, 3);
        }
    });
}

#[test]
fn what_a_request_was_charged_is_given_back_where_it_lies() {
    on_every_store(|store, clock| {
        for (key, rule) in [("bk", balance(3)), ("wk", window(3, HOUR)), ("gk", bucket(3, HOUR))] {
            let take =
                |id| decided(ask(store, with(charge(key, rule, 0), spend(2, id), under(id, 1))));
            let back = |charged: Charged, user: &'static str| {
                let (user, key, lasting) = (Some(user.into()), key.into(), rule == balance(3));
                let memory = Some([charged.id[0]; 16]);
                flag(
                    store,
                    Act::Refund(Refund {
                        user,
                        lasting,
                        key,
                        charged,
                        units: 2,
                        memory,
                        of_request: false,
                    }),
                )
            };
            let id = key.as_bytes()[0];
            let charged = take(id).quota.unwrap().charged.unwrap();
            assert!(!back(charged, "nobody"));
            assert!(back(charged, "u"));
            assert!(!back(charged, "u"));
            let again = take(id).quota.unwrap();
            assert_eq!((again.remaining, again.replayed), (1, false));
            let third = decided(ask(store, with(charge(key, rule, 0), spend(1, id + 100), None)));
            let charged = third.quota.unwrap().charged.unwrap();
            assert_eq!(charged.id, [id + 100; 16], "also on the short way");
            assert!(back(charged, "u"));
        }
        assert!(flag(store, Act::End { user: "u".into(), session: "s".into() }));
        clock.advance_ms(DAY);
    });
}

#[test]
fn the_key_of_receipts_is_the_first_that_was_proposed() {
    on_every_store(|store, _| {
        let ask = |fresh| call(store, Act::ReceiptKey { fresh });
        assert_eq!(ask([1; 32]), Answer::Key([1; 32]));
        assert_eq!(ask([2; 32]), Answer::Key([1; 32]));
    });
}
