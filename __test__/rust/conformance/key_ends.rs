//! API keys that have ended: how long they are told of, and that nothing is left of them afterwards.

use super::support::keys::{self, *};
use super::support::*;
use super::{assert_nothing_left, on_every_store};
use latchgate::core::api_key::key::LISTED_MS;
use latchgate::core::api_key::ops::Use;
use latchgate::core::api_key::types::{KeyName, KeyPatch, KeyPlace};
use latchgate::core::base::reason::Reason;
use latchgate::core::op::Act;
use latchgate::core::quota::charge::Charge;
use latchgate::core::store::Store;

fn reason(store: &dyn Store, asked: Use<'_>) -> Reason {
    check(store, asked).0
}

/// A sweep takes a slice.
fn sweep_all(store: &dyn Store) {
    for _ in 0..2_000 {
        store.sweep();
    }
}

/// A use that is charged a balance by the key.
fn charged_by_key(key: &KeyPlace, limit: u64) -> Use<'static> {
    let mut used = asked(key, 1);
    let charge = charge("bk", balance(limit), 1);
    used.decide.charge =
        charge.map(|charge| Charge { key: format!("bkn\0{}", key.id).into(), ..charge });
    used
}

#[test]
fn a_key_that_has_ended_is_listed_for_thirty_days_and_then_leaves_nothing() {
    on_every_store(|store, clock| {
        let [revoked, expired, fallen] = [1, 2, 3].map(|number| place("ada", number));
        create(store, &revoked, KeyPatch::default());
        let expires_ms = Some(Some(START_MS));
        create(store, &expired, KeyPatch { expires_ms, ..KeyPatch::default() });
        revoke(store, &revoked);
        create(store, &fallen, KeyPatch::default());
        count(store, Act::RevokeUser { user: "ada".into(), keys: true, lead: NO_LEAD });
        let all = [&revoked, &expired, &fallen];
        assert_eq!(keys::ids(store, "ada").len(), 3);
        clock.advance_ms(LISTED_MS - 1);
        assert!(all.iter().all(|key| get(store, key).is_some()));
        assert_eq!(reason(store, asked(&revoked, 1)), Reason::KeyRevoked);
        assert_eq!(reason(store, asked(&fallen, 1)), Reason::KeyRevoked);
        clock.advance_ms(1);
        for key in all {
            assert_eq!(get(store, key), None);
            assert_eq!(reason(store, asked(key, 1)), Reason::KeyUnknown);
        }
        clock.advance_ms(2 * HOUR);
        assert!(all.iter().all(|key| get(store, key).is_none()));
        sweep_all(store);
        assert_eq!(keys::ids(store, "ada"), [""; 0]);
        assert_eq!(find(store, KeyName::Id(revoked.id.clone())), None);
        assert_nothing_left(store, clock);
    });
}

#[test]
fn a_balance_by_the_key_ends_with_the_key() {
    on_every_store(|store, clock| {
        let key = place("ada", 1);
        for _ in 0..2 {
            create(store, &key, KeyPatch::default());
            assert_eq!(reason(store, charged_by_key(&key, 2)), Reason::Allowed);
            assert_eq!(reason(store, charged_by_key(&key, 2)), Reason::Allowed);
            assert_eq!(reason(store, charged_by_key(&key, 2)), Reason::QuotaExhausted);
            revoke(store, &key);
            clock.advance_ms(LISTED_MS);
        }
        clock.advance_ms(2 * HOUR);
        sweep_all(store);
        keys::ids(store, "ada");
        get(store, &key);
        assert_nothing_left(store, clock);
    });
}

#[test]
fn of_owners_whose_keys_have_ended_nothing_is_left_though_nobody_lists_them() {
    on_every_store(|store, clock| {
        for number in 0..200_u8 {
            let owner = format!("owner-{number}");
            let [revoked, expired] = [1, 2].map(|number| place(&owner, number));
            create(store, &revoked, quota(balance(9)));
            let expires_ms = Some(Some(START_MS + u64::from(number % 7) * HOUR));
            create(store, &expired, KeyPatch { expires_ms, ..KeyPatch::default() });
            assert_eq!(reason(store, charged_by_key(&revoked, 2)), Reason::Allowed);
            if number % 2 == 0 {
                revoke(store, &revoked);
            } else {
                update(store, &revoked, KeyPatch { expires_ms, ..KeyPatch::default() });
            }
            if number % 3 == 0 {
                revoke(store, &expired);
            }
            // The rest of this owner stays, and so does what all of them have in common.
            if number == 0 {
                create(store, &place(&owner, 3), KeyPatch::default());
            }
        }
        clock.advance_ms(LISTED_MS + 9 * HOUR);
        sweep_all(store);
        let lasting = place("owner-0", 3);
        assert_eq!(reason(store, asked(&lasting, 1)), Reason::Allowed);
        let dump = store.dump();
        assert!(
            dump.lines().count() <= 2
                && dump.lines().all(|line| line.contains("owner-0") || line.contains(&lasting.id)),
            "{dump}"
        );
        revoke(store, &lasting);
        clock.advance_ms(LISTED_MS + 2 * HOUR);
        sweep_all(store);
        assert_nothing_left(store, clock);
    });
}

#[test]
fn an_epoch_is_known_as_long_as_a_key_that_fell_is_kept() {
    on_every_store(|store, clock| {
        let [fallen, short] = [1, 2].map(|number| place("ada", number));
        let expires =
            |ms| KeyPatch { expires_ms: Some(Some(START_MS + ms)), ..KeyPatch::default() };
        create(store, &fallen, expires(100 * LISTED_MS));
        create(store, &short, expires(1));
        count(store, Act::RevokeUser { user: "ada".into(), keys: true, lead: NO_LEAD });
        assert!(!revoke(store, &short), "it has fallen");
        for _ in 0..50 {
            clock.advance_ms(2 * LISTED_MS);
            assert_eq!(reason(store, asked(&fallen, 1)), Reason::KeyUnknown);
        }
        clock.advance_ms(2 * LISTED_MS);
        sweep_all(store);
        assert_nothing_left(store, clock);
    });
}

#[test]
fn a_key_that_fell_and_that_nobody_listed_stays_fallen_and_goes_when_it_is_listed() {
    on_every_store(|store, clock| {
        let [fallen, later] = [1, 2].map(|number| place("ada", number));
        create(store, &fallen, KeyPatch::default());
        count(store, Act::RevokeUser { user: "ada".into(), keys: true, lead: NO_LEAD });
        clock.advance_ms(LISTED_MS + 2 * HOUR);
        let expires_ms = Some(Some(START_MS));
        create(store, &later, KeyPatch { expires_ms, ..KeyPatch::default() });
        assert_eq!(get(store, &later), None);
        assert_eq!(reason(store, asked(&fallen, 1)), Reason::KeyUnknown);
        assert_eq!(get(store, &fallen), None);
        assert_eq!(reason(store, asked(&fallen, 1)), Reason::KeyUnknown);
        sweep_all(store);
        assert_eq!(keys::ids(store, "ada"), [""; 0]);
        assert_nothing_left(store, clock);
    });
}

#[test]
fn an_expiry_may_be_moved_so_far_back_that_the_key_is_gone() {
    on_every_store(|store, clock| {
        let key = place("ada", 1);
        create(store, &key, quota(balance(5)));
        let expires_ms = Some(Some(1));
        let info = update(store, &key, KeyPatch { expires_ms, ..KeyPatch::default() }).unwrap();
        assert_eq!((info.expires_ms, &*info.start), (Some(1), "lg_start"));
        assert_eq!(get(store, &key), None);
        assert_eq!(reason(store, asked(&key, 1)), Reason::KeyUnknown);
        assert!(update(store, &key, KeyPatch::default()).is_none());
        sweep_all(store);
        assert_nothing_left(store, clock);
    });
}
