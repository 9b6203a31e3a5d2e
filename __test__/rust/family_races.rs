//! Races of real threads on one refresh family. Each must be exact on the embedded store, and must fail on the store
//! that checks first and writes later.

mod support;

use latchgate::core::base::clock::FakeClock;
use latchgate::core::family::ops::{LoginAnswer, RefreshAnswer};
use latchgate::core::store::Store;
use latchgate::store::registry;
use latchgate::store::settings::Settings;
use std::sync::Arc;
use support::families::*;
use support::racing::*;
use support::{START_MS, end, ids, reject};

const USER: &str = "u";

/// Token 1 is used at once, each time with another candidate: how many were told that theirs follows, and to how many
/// different ones the others were led.
fn rotations(store: &Arc<dyn Store>) -> (usize, usize) {
    log_in(&**store);
    let answers = race(store, |store, n| {
        let candidate = 10 + u8::try_from(n).unwrap();
        granted(refresh(store, 1, candidate)).sealed
    });
    let won = answers.iter().filter(|sealed| sealed.is_empty()).count();
    let mut led: Vec<_> = answers.into_iter().filter(|sealed| !sealed.is_empty()).collect();
    led.sort_unstable();
    led.dedup();
    (won, led.len())
}

/// The session is ended among refreshes: whether it is over afterwards.
fn is_over(store: &Arc<dyn Store>) -> bool {
    log_in(&**store);
    race(store, |store, n| {
        if n == RACERS / 2 {
            assert!(end(store, USER, "s"));
        } else {
            refresh(store, 1, 10 + u8::try_from(n).unwrap());
        }
    });
    ids(&**store, USER).is_empty()
}

/// A token that was spent for good is used at once: how many were told that it was they who ended the session.
fn replays(store: &Arc<dyn Store>) -> usize {
    let asked = |next| {
        let mut asked = refresh_of(USER, FAMILY, 1, next);
        asked.grace_ms = 0;
        asked
    };
    log_in(&**store);
    granted(refresh_as(&**store, asked(2)));
    let answers =
        race(store, move |store, n| refresh_as(store, asked(10 + u8::try_from(n).unwrap())));
    answers.iter().filter(|answer| matches!(answer, RefreshAnswer::Reused(_))).count()
}

/// One request logs in at once: how many sessions were new.
fn new_sessions(store: &Arc<dyn Store>) -> usize {
    let answers = race(store, |store, n| {
        let n = u8::try_from(n).unwrap();
        let mut login = asked(USER, &format!("s{n}"), reject(100), [n; 16], n);
        login.request = Some([7; 16]);
        try_log_in(store, login).unwrap()
    });
    answers.iter().filter(|it| matches!(it, LoginAnswer::Admitted(it, _) if !it.existing)).count()
}

#[test]
fn races_of_families_are_exact_on_the_embedded_store() {
    for _ in 0..50 {
        let open = || {
            registry::open(&Settings::of("memory:"), Arc::new(FakeClock::at_ms(START_MS))).unwrap()
        };
        assert_eq!(rotations(&open()), (1, 1));
        assert!(is_over(&open()));
        assert_eq!(replays(&open()), 1);
        assert_eq!(new_sessions(&open()), 1);
    }
}

#[cfg(feature = "test-stores")]
#[test]
fn every_race_of_families_is_lost_on_a_store_that_checks_first_and_writes_later() {
    let open = |name: &str| {
        let url = format!("test-racy:{name}?gate={RACERS}");
        registry::open(&Settings::of(&url), Arc::new(FakeClock::at_ms(START_MS))).unwrap()
    };
    assert!(rotations(&open("rotations")).0 > 1);
    assert!((0..8).any(|n| !is_over(&open(&format!("over-{n}")))));
    assert!(replays(&open("replays")) > 1);
    assert!(new_sessions(&open("requests")) > 1);
}

#[cfg(feature = "test-stores")]
#[test]
fn races_of_families_are_exact_on_a_store_that_answers_late_and_out_of_order() {
    let open = |name: &str| {
        let url = format!("test-deferred:{name}?gate={RACERS}");
        registry::open(&Settings::of(&url), Arc::new(FakeClock::at_ms(START_MS))).unwrap()
    };
    assert_eq!(rotations(&open("rotations")), (1, 1));
    assert!(is_over(&open("over")));
    assert_eq!(replays(&open("replays")), 1);
    assert_eq!(new_sessions(&open("requests")), 1);
}
