//! Races for turns. Each must be exact on the embedded store, and must fail on the store that checks first and writes
//! later.

mod support;

use latchgate::core::request::request::SessionCheck;
use latchgate::core::store::Store;
use latchgate::core::turn::ops::{Ask, TurnAnswer, TurnMode, ticket_of};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use support::counting::credential;
use support::racing::*;
use support::turning::*;
use support::*;

/// Gates that listen, one for each racer.
fn gates(store: &Arc<dyn Store>) -> Vec<Ears> {
    (0..RACERS).map(|n| Ears::of(&**store, u8::try_from(n).unwrap())).collect()
}

/// How many of the racers were granted a key that nobody gives back.
fn holders(store: &Arc<dyn Store>, mode: TurnMode) -> usize {
    let gates = gates(store);
    let granted = race(store, move |store, n| {
        fence(ask_as(store, lock("k"), gates[n].ticket(0), mode)).is_some()
    });
    granted.into_iter().filter(|granted| *granted).count()
}

/// How many racers were told that it was they who released it.
fn releases(store: &Arc<dyn Store>) -> usize {
    let ticket = ticket_of([1; 8], 1);
    race(store, move |store, _| ask(store, lock("k"), ticket));
    let released = race(store, move |store, _| leave(store, lock("k"), ticket));
    released.into_iter().filter(|released| *released).count()
}

/// How many different fences the racers were granted, who all wait until it is their turn; and how many of them were inside at
/// once.
fn fences(store: &Arc<dyn Store>) -> (usize, usize) {
    let (gates, inside) = (gates(store), Arc::new(AtomicUsize::new(0)));
    let most = Arc::new(AtomicUsize::new(0));
    let at_once = Arc::clone(&most);
    let mut fences = race(store, move |store, n| {
        let (ears, ticket) = (&gates[n], gates[n].ticket(7));
        loop {
            if let Some(fence) = fence(ask(store, lock("k"), ticket)) {
                most.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                thread::yield_now();
                inside.fetch_sub(1, Ordering::SeqCst);
                leave(store, lock("k"), ticket);
                return fence;
            }
            assert_eq!(ears.woken(), 7);
        }
    });
    fences.sort_unstable();
    fences.dedup();
    (fences.len(), at_once.load(Ordering::SeqCst))
}

/// One of the racers revokes the user whose turn the others ask for with a token, and waits behind whoever acts then: how many
/// acted after that.
fn late_acts(store: &Arc<dyn Store>) -> usize {
    admit(&**store, "u", "s", reject(1));
    let (gates, passed) = (gates(store), AtomicBool::new(false));
    let late = race(store, move |store, n| {
        let (ears, place, ticket) = (&gates[n], user("u"), gates[n].ticket(7));
        let wait = |ask: Ask<'_>| loop {
            match try_ask(store, ask.clone()).unwrap() {
                TurnAnswer::Queued { .. } => while !ears.turns().contains(&7) {},
                answer => break answer,
            }
        };
        if n == RACERS / 2 {
            revoke_user(store, "u");
            let barrier = Ask { mode: TurnMode::Front, ..asked(place.clone(), ticket) };
            assert!(fence(wait(barrier)).is_some());
            passed.store(true, Ordering::SeqCst);
            leave(store, place, ticket);
            return false;
        }
        let credential = Some(credential("s", START_MS, SessionCheck::Explicit));
        let answer = wait(Ask { credential, ..asked(place.clone(), ticket) });
        let acted = fence(answer).is_some();
        let late = acted && passed.load(Ordering::SeqCst);
        leave(store, place, ticket);
        late
    });
    late.into_iter().filter(|late| *late).count()
}

#[test]
fn turns_are_exact_on_the_embedded_store() {
    for _ in 0..50 {
        assert_eq!(holders(&open("memory:"), TurnMode::Queue), 1);
        assert_eq!(holders(&open("memory:"), TurnMode::Try), 1);
        assert_eq!(releases(&open("memory:")), 1);
        assert_eq!(fences(&open("memory:")), (RACERS, 1));
        assert_eq!(late_acts(&open("memory:")), 0);
    }
}

#[cfg(feature = "test-stores")]
#[test]
fn every_race_for_a_turn_is_lost_on_a_store_that_checks_first_and_writes_later() {
    let racy = |name: &str| open(&format!("test-racy:turns-{name}?gate={RACERS}"));
    assert!(holders(&racy("queue"), TurnMode::Queue) > 1);
    assert!(holders(&racy("try"), TurnMode::Try) > 1);
    assert!(releases(&racy("releases")) > 1);
    assert!(fences(&racy("fences")).0 < RACERS);
    // Acts behind a barrier are not tried: nothing is handed on reliably there, and nobody would end.
}

#[cfg(feature = "test-stores")]
#[test]
fn turns_are_exact_on_a_store_that_answers_late_and_out_of_order() {
    let deferred = |name: &str| open(&format!("test-deferred:turns-{name}"));
    assert_eq!(holders(&deferred("queue"), TurnMode::Queue), 1);
    assert_eq!(holders(&deferred("try"), TurnMode::Try), 1);
    assert_eq!(releases(&deferred("releases")), 1);
    assert_eq!(fences(&deferred("fences")), (RACERS, 1));
    assert_eq!(late_acts(&deferred("late")), 0);
}
