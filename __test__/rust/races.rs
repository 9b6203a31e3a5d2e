//! Races of real threads on one user. All arrive at a gate before any of them acts. Each race must be
//! exact on the embedded store, and must fail on the store that checks first and writes later.

mod support;

use latchgate::core::clock::FakeClock;
use latchgate::core::key_op::{KeyPatch, Use};
use latchgate::core::op::{Charge, SessionCheck};
use latchgate::core::reason::Reason;
use latchgate::core::store::Store;
use latchgate::store::registry::{self, Settings};
use std::sync::{Arc, Barrier};
use std::thread;
use support::*;

const RACERS: usize = 24;

/// Runs the same act in many threads, released together.
fn race<T: Send + 'static>(
    store: &Arc<dyn Store>,
    act: impl Fn(&dyn Store, usize) -> T + Send + Sync + 'static,
) -> Vec<T> {
    let gate = Arc::new(Barrier::new(RACERS));
    let act = Arc::new(act);
    let racers: Vec<_> = (0..RACERS)
        .map(|n| {
            let (store, gate, act) = (Arc::clone(store), Arc::clone(&gate), Arc::clone(&act));
            thread::spawn(move || {
                gate.wait();
                act(&*store, n)
            })
        })
        .collect();
    racers.into_iter().map(|racer| racer.join().unwrap()).collect()
}

/// How many of the racers got in at a limit of 3.
fn logins(store: &Arc<dyn Store>) -> usize {
    let admitted = race(store, |store, n| {
        admit(store, "u", &format!("s{n}"), reject(3)).reason == Reason::Allowed
    });
    admitted.into_iter().filter(|admitted| *admitted).count()
}

/// The same by first use.
fn first_uses(store: &Arc<dyn Store>) -> usize {
    let iat_ms = START_MS;
    let passed = race(store, move |store, n| {
        let session = format!("s{n}");
        decide(store, request("u", &session, iat_ms, SessionCheck::FirstUse)).reason
            == Reason::Allowed
    });
    passed.into_iter().filter(|passed| *passed).count()
}

/// How many different generations the racers drew.
fn generations(store: &Arc<dyn Store>) -> usize {
    let mut drawn = race(store, |store, _| generation(store, "u"));
    drawn.sort_unstable();
    drawn.dedup();
    drawn.len()
}

/// How many of the racers were told that it was they who ended the session.
fn endings(store: &Arc<dyn Store>) -> usize {
    race(store, |store, _| end(store, "u", "s")).into_iter().filter(|ended| *ended).count()
}

/// How many racers hold that their newly admitted session made the others go, at a limit of one.
fn sole_survivors(store: &Arc<dyn Store>) -> usize {
    let evicted =
        race(store, |store, n| admit(store, "u", &format!("s{n}"), evict(1)).evicted.len());
    evicted.into_iter().filter(|evicted| *evicted == 0).count()
}

/// How many of the racers were granted one of three units, charged directly.
fn units(store: &Arc<dyn Store>) -> usize {
    let granted = race(store, |store, _| consume(store, "q", balance(3), 1).allowed);
    granted.into_iter().filter(|granted| *granted).count()
}

/// The same in the decision, of the user's own units or of those that lie apart.
fn charged(store: &Arc<dyn Store>, apart: bool) -> usize {
    let passed = race(store, move |store, n| {
        let session = format!("s{n}");
        let mut request = request("u", &session, START_MS, SessionCheck::Skip);
        request.charge = if apart { charge_apart } else { charge }("q", balance(3), 1);
        decide(store, request).reason == Reason::Allowed
    });
    passed.into_iter().filter(|passed| *passed).count()
}

/// How many racers made the charge that all of them asked for under one idempotency key, and what is left
/// of ten units.
fn charged_once(store: &Arc<dyn Store>) -> (usize, u64) {
    let answers = race(store, |store, n| {
        let spend = spend(2, u8::try_from(n).unwrap());
        consume_with(store, "bdk", balance(10), spend, once(1, 1)).unwrap()
    });
    let made = answers.into_iter().filter(|told| !told.replayed).count();
    (made, consume(&**store, "bdk", balance(10), 0).remaining)
}

/// The same in the decision.
fn requested_once(store: &Arc<dyn Store>, apart: bool) -> usize {
    let answers = race(store, move |store, n| {
        let session = format!("s{n}");
        let mut request = request("u", &session, START_MS, SessionCheck::Skip);
        let place = if apart { charge_apart } else { charge };
        request.charge = place("bk", balance(10), 2).map(|it| Charge { once: once(1, 1), ..it });
        decide(store, request).quota.unwrap()
    });
    answers.into_iter().filter(|told| !told.replayed).count()
}

/// How many racers were told that it was they who gave the charge back.
fn refunds(store: &Arc<dyn Store>) -> usize {
    let told = consume_with(&**store, "bdk", balance(100), spend(1, 1), None).unwrap();
    let charged = told.charged.unwrap();
    let back = race(store, move |store, _| refund(store, "bdk", charged, 1, None));
    back.into_iter().filter(|back| *back).count()
}

/// The limit after every racer has topped up a unit.
fn top_ups(store: &Arc<dyn Store>) -> u64 {
    race(store, |store, _| add(store, "bdk", balance(1), 1, None).unwrap());
    consume(&**store, "bdk", balance(1), 0).limit
}

/// How many of the racers got one of three units of a bucket.
fn bucketed(store: &Arc<dyn Store>) -> usize {
    let granted = race(store, |store, _| consume(store, "gdk", bucket(3, HOUR), 1).allowed);
    granted.into_iter().filter(|granted| *granted).count()
}

const TOPPED: u64 = RACERS as u64 + 1;

#[test]
fn spending_is_exact_on_the_embedded_store() {
    for _ in 0..50 {
        let open = || {
            registry::open(&Settings::of("memory:"), Arc::new(FakeClock::at_ms(START_MS))).unwrap()
        };
        assert_eq!(charged_once(&open()), (1, 8));
        assert_eq!((requested_once(&open(), false), requested_once(&open(), true)), (1, 1));
        assert_eq!(refunds(&open()), 1);
        assert_eq!(top_ups(&open()), TOPPED);
        assert_eq!(bucketed(&open()), 3);
    }
}

#[cfg(feature = "test-stores")]
#[test]
fn spending_loses_on_a_store_that_checks_first_and_writes_later() {
    let open = |name: &str| {
        let url = format!("test-racy:spending-{name}?gate={RACERS}");
        registry::open(&Settings::of(&url), Arc::new(FakeClock::at_ms(START_MS))).unwrap()
    };
    assert!(charged_once(&open("once")).0 > 1);
    assert!(requested_once(&open("requested"), false) > 1);
    assert!(requested_once(&open("requested-apart"), true) > 1);
    assert!(refunds(&open("refunds")) > 1);
    assert!(top_ups(&open("top-ups")) < TOPPED);
    assert!(bucketed(&open("bucketed")) > 3);
}

#[cfg(feature = "test-stores")]
#[test]
fn spending_is_exact_on_a_store_that_answers_late_and_out_of_order() {
    let open = |name: &str| {
        let url = format!("test-deferred:spending-{name}?gate={RACERS}");
        registry::open(&Settings::of(&url), Arc::new(FakeClock::at_ms(START_MS))).unwrap()
    };
    assert_eq!(charged_once(&open("once")), (1, 8));
    assert_eq!(requested_once(&open("requested"), false), 1);
    assert_eq!(requested_once(&open("requested-apart"), true), 1);
    assert_eq!(refunds(&open("refunds")), 1);
    assert_eq!(top_ups(&open("top-ups")), TOPPED);
    assert_eq!(bucketed(&open("bucketed")), 3);
}

/// How many of the racers were granted one of three units of one key, with the old secret and the new.
fn key_uses(store: &Arc<dyn Store>) -> usize {
    let key = keys::place("u", 1);
    keys::create(&**store, &key, keys::quota(balance(3)));
    keys::rotate(&**store, &key, [8; 32], HOUR);
    let passed = race(store, move |store, n| {
        let digest = if n % 2 == 0 { keys::DIGEST } else { [8; 32] };
        let asked = Use { digest, ..keys::asked(&key, 1) };
        keys::use_key(store, asked).unwrap().decision.reason == Reason::Allowed
    });
    passed.into_iter().filter(|passed| *passed).count()
}

/// How many units racers who all added some, each under one idempotency key, have added, of 24.
fn key_top_ups(store: &Arc<dyn Store>, shared: bool) -> u64 {
    let key = keys::place("u", 1);
    keys::create(&**store, &key, keys::quota(balance(1)));
    let asked = key.clone();
    race(store, move |store, n| {
        let name = if shared { 0 } else { u8::try_from(n).unwrap() };
        keys::add(store, &asked, 1, once(name, 0)).unwrap();
    });
    keys::get(&**store, &key).unwrap().quota.unwrap().limit - 1
}

/// How many racers were told that it was they who revoked the key.
fn key_ends(store: &Arc<dyn Store>) -> usize {
    let key = keys::place("u", 1);
    keys::create(&**store, &key, KeyPatch::default());
    let ended = race(store, move |store, _| keys::revoke(store, &key));
    ended.into_iter().filter(|ended| *ended).count()
}

#[test]
fn races_of_keys_are_exact_on_the_embedded_store() {
    for _ in 0..50 {
        let open = || {
            registry::open(&Settings::of("memory:"), Arc::new(FakeClock::at_ms(START_MS))).unwrap()
        };
        assert_eq!(key_uses(&open()), 3);
        assert_eq!((key_top_ups(&open(), false), key_top_ups(&open(), true)), (RACERS as u64, 1));
        assert_eq!(key_ends(&open()), 1);
    }
}

#[cfg(feature = "test-stores")]
#[test]
fn every_race_of_keys_is_lost_on_a_store_that_checks_first_and_writes_later() {
    let open = |name: &str| {
        let url = format!("test-racy:{name}?gate={RACERS}");
        registry::open(&Settings::of(&url), Arc::new(FakeClock::at_ms(START_MS))).unwrap()
    };
    assert!(key_uses(&open("key-uses")) > 3);
    assert!(key_top_ups(&open("top-ups"), false) < RACERS as u64);
    assert!(key_ends(&open("key-ends")) > 1);
}

#[cfg(feature = "test-stores")]
#[test]
fn races_of_keys_are_exact_on_a_store_that_answers_late_and_out_of_order() {
    let open = |name: &str| {
        let url = format!("test-deferred:{name}?gate={RACERS}");
        registry::open(&Settings::of(&url), Arc::new(FakeClock::at_ms(START_MS))).unwrap()
    };
    assert_eq!(key_uses(&open("key-uses")), 3);
    assert_eq!(
        (key_top_ups(&open("adds"), false), key_top_ups(&open("once"), true)),
        (RACERS as u64, 1)
    );
    assert_eq!(key_ends(&open("key-ends")), 1);
}

#[test]
fn races_are_exact_on_the_embedded_store() {
    for _ in 0..50 {
        let open = || {
            registry::open(&Settings::of("memory:"), Arc::new(FakeClock::at_ms(START_MS))).unwrap()
        };
        let store = open();
        assert_eq!(logins(&store), 3);
        assert_eq!(ids(&*store, "u").len(), 3);
        let store = open();
        assert_eq!(first_uses(&store), 3);
        assert_eq!(ids(&*store, "u").len(), 3);
        assert_eq!(generations(&open()), RACERS);
        assert_eq!(units(&open()), 3);
        assert_eq!((charged(&open(), false), charged(&open(), true)), (3, 3));
        let store = open();
        admit(&*store, "u", "s", reject(1));
        assert_eq!(endings(&store), 1);
        let store = open();
        assert_eq!(sole_survivors(&store), 1, "all but the first found one to evict");
        assert_eq!(ids(&*store, "u").len(), 1);
    }
}

#[cfg(feature = "test-stores")]
#[test]
fn every_race_is_lost_on_a_store_that_checks_first_and_writes_later() {
    let open = |name: &str| {
        let url = format!("test-racy:{name}?gate={RACERS}");
        registry::open(&Settings::of(&url), Arc::new(FakeClock::at_ms(START_MS))).unwrap()
    };
    assert!(logins(&open("logins")) > 3);
    assert!(first_uses(&open("uses")) > 3);
    assert!(generations(&open("generations")) < RACERS);
    assert!(units(&open("units")) > 3);
    assert!(charged(&open("charged"), false) > 3);
    assert!(charged(&open("apart"), true) > 3);
    assert!(sole_survivors(&open("survivors")) > 1);
    let patient = open("endings");
    admit(&*patient, "u", "s", reject(1));
    assert!(endings(&patient) > 1);
}

#[cfg(feature = "test-stores")]
#[test]
fn races_are_exact_on_a_store_that_answers_late_and_out_of_order() {
    let open = |name: &str| {
        let url = format!("test-deferred:{name}?gate={RACERS}");
        registry::open(&Settings::of(&url), Arc::new(FakeClock::at_ms(START_MS))).unwrap()
    };
    assert_eq!(logins(&open("logins")), 3);
    assert_eq!(first_uses(&open("uses")), 3);
    assert_eq!(generations(&open("generations")), RACERS);
    assert_eq!(units(&open("units")), 3);
    assert_eq!((charged(&open("charged"), false), charged(&open("apart"), true)), (3, 3));
    assert_eq!(sole_survivors(&open("survivors")), 1);
    let patient = open("endings");
    admit(&*patient, "u", "s", reject(1));
    assert_eq!(endings(&patient), 1);
}
