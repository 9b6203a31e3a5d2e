//! A clock that is put forward by mistake, and back again before an hour has passed: nothing that still counts was
//! forgotten meanwhile.

use super::on_every_store;
use super::support::counting::*;
use super::support::keys::{self, asked, create, place, quota, use_key};
use super::support::*;
use latchgate::core::api_key::ops::Use;
use latchgate::core::base::reason::Reason;
use latchgate::core::counter::counter::Apply;
use latchgate::core::store::Store;

const AHEAD: u64 = HOUR;
const DAY: u64 = 24 * HOUR;

/// Sets the clock so far ahead, lets everybody look, and sets it back.
fn forward_and_back(store: &dyn Store, clock: &super::RuleClock<'_>, ms: u64) {
    clock.set_us((START_MS + ms) * 1000);
    for _ in 0..1024 {
        store.sweep();
    }
    store.dump();
    clock.set_us(START_MS * 1000);
}

#[test]
fn a_window_that_was_charged_is_charged_still() {
    on_every_store(|store, clock| {
        for rule in [window(3, HOUR), bucket(3, HOUR)] {
            let key = if rule == window(3, HOUR) { "wdk" } else { "gdk" };
            assert_eq!(consume(store, key, rule, 3).remaining, 0);
            forward_and_back(store, clock, HOUR + HOUR / 2);
            assert_eq!(consume(store, key, rule, 0).remaining, 0);
        }
    });
}

#[test]
fn what_was_asked_under_an_idempotency_key_is_remembered_still() {
    on_every_store(|store, clock| {
        let key = place("ada", 1);
        create(store, &key, quota(balance(9)));
        let charge = || consume_with(store, "bdk", balance(9), spend(2, 1), under(1, 1)).unwrap();
        let add = || {
            let once = once_under(2, 2);
            apply(store, Apply { once, ..changes("u", &[change("c", 5)]) }).replayed
        };
        let used = || {
            let used = use_key(store, Use { once: once_under(3, 3), ..asked(&key, 1) }).unwrap();
            used.own.map(|own| own.replayed)
        };
        assert_eq!((charge().replayed, add(), used()), (false, false, Some(false)));
        forward_and_back(store, clock, DAY + HOUR / 2);
        assert_eq!((charge().replayed, add(), used()), (true, true, Some(true)));
        // A day after the charge it is another question, on every store at the same instant.
        clock.advance_ms(DAY - 1);
        assert_eq!((charge().replayed, add(), used()), (true, true, Some(true)));
        clock.advance_ms(1);
        assert_eq!((charge().replayed, add(), used()), (false, false, Some(false)));
        assert_eq!(keys::get(store, &key).unwrap().quota.unwrap().remaining, 7);
    });
}

#[test]
fn what_was_given_back_is_not_given_back_again() {
    on_every_store(|store, clock| {
        let told = consume_with(store, "bdk", balance(9), spend(2, 1), None).unwrap();
        let charged = told.charged.unwrap();
        assert!(refund(store, "bdk", charged, 2, None));
        forward_and_back(store, clock, DAY + HOUR / 2);
        consume(store, "bdk", balance(9), 2);
        let again = refund(store, "bdk", charged, 2, None);
        assert!(!again);
        assert_eq!(consume(store, "bdk", balance(9), 0).remaining, 7);
    });
}

#[test]
fn a_session_that_nobody_looked_at_meanwhile_lives() {
    on_every_store(|store, clock| {
        admit(store, "u", "a", reject(3));
        // The embedded store's own sweep would look at it, and end it.
        clock.set_us((START_MS + AHEAD) * 1000);
        clock.set_us(START_MS * 1000);
        assert!(touch(store, "u", "a").is_some());
        assert_eq!(ids(store, "u"), ["a"]);
    });
}

#[test]
fn a_session_of_which_somebody_was_told_that_it_was_idle_never_comes_back() {
    on_every_store(|store, clock| {
        let looks: [(&str, &dyn Fn()); 4] = [
            ("touched", &|| assert_eq!(touch(store, "touched", "a"), None)),
            ("listed", &|| assert_eq!(list(store, "listed"), [])),
            ("admitted", &|| {
                let told = admit(store, "admitted", "a", reject(3));
                assert_eq!(told.reason, Reason::SessionEnded);
            }),
            ("ended", &|| assert!(!end(store, "ended", "a"))),
        ];
        for (user, look) in looks {
            admit(store, user, "a", reject(3));
            clock.set_us((START_MS + AHEAD) * 1000);
            look();
            clock.set_us(START_MS * 1000);
            assert_eq!(touch(store, user, "a"), None, "{user}");
            assert_eq!(list(store, user), [], "{user}");
            assert_eq!(admit(store, user, "a", reject(3)).reason, Reason::SessionEnded, "{user}");
        }
    });
}

#[test]
fn a_session_lives_on_where_the_clock_is_set_back_and_right_again() {
    on_every_store(|store, clock| {
        admit(store, "u", "a", reject(3));
        admit(store, "u", "b", reject(3));
        assert!(end(store, "u", "b"));
        clock.set_us((START_MS - AHEAD) * 1000);
        assert!(touch(store, "u", "a").is_some());
        assert_eq!(touch(store, "u", "b"), None);
        assert_eq!(admit(store, "u", "b", reject(3)).reason, Reason::SessionEnded);
        clock.set_us(START_MS * 1000);
        assert!(touch(store, "u", "a").is_some());
        assert_eq!(admit(store, "u", "b", reject(3)).reason, Reason::SessionEnded);
    });
}
