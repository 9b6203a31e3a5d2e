//! Imported keys: whose a name is, and how long.

use super::support::keys::*;
use super::support::*;
use super::{assert_nothing_left, on_every_store};
use latchgate::core::api_key::key::LISTED_MS;
use latchgate::core::api_key::ops::{IndexUpdate, KeyAnswer, KeyChange, KeyOp};
use latchgate::core::api_key::types::{KeyName, KeyPatch, KeyPlace};
use latchgate::core::op::Act;
use latchgate::core::store::Store;

/// What moves the expiry of a key.
fn expires(expires_ms: Option<u64>) -> KeyPatch {
    KeyPatch { expires_ms: Some(expires_ms), ..KeyPatch::default() }
}

/// Changes an expiry whose name was told so; returns what it is to be told now.
fn change(store: &dyn Store, place: &KeyPlace, expires_ms: Option<u64>) -> Vec<IndexUpdate> {
    let (place, patch) = (place.clone(), Box::new(expires(expires_ms)));
    parts(answer(store, KeyOp::Update { place, patch, pointed: true })).0
}

/// Tells a name that its key's expiry is about to be changed.
fn changing(store: &dyn Store, place: &KeyPlace) -> bool {
    let what = KeyChange::Changing;
    point(store, &IndexUpdate { digest: DIGEST, place: place.clone(), what })
}

fn tell(store: &dyn Store, updates: &[IndexUpdate]) {
    for pointing in updates {
        point(store, pointing);
    }
}

fn is_found(store: &dyn Store) -> bool {
    find(store, KeyName::Import(DIGEST)).is_some()
}

fn sweep_all(store: &dyn Store) {
    for _ in 0..2_000 {
        store.sweep();
    }
}

#[test]
fn the_name_of_an_imported_key_has_one_holder() {
    on_every_store(|store, clock| {
        let (ours, theirs) = (place("ada", 1), place("bob", 1));
        let name = || KeyName::Import(DIGEST);
        let confirm = |place: &KeyPlace| {
            let what = KeyChange::Created { expires_ms: None };
            point(store, &IndexUpdate { digest: DIGEST, place: place.clone(), what })
        };
        assert_eq!(find(store, name()), None);
        let (taken, under_way) = (KeyAnswer::Place(None), KeyAnswer::Done(false));
        assert_eq!(claim(store, DIGEST, &ours, None), taken);
        assert_eq!(claim(store, DIGEST, &theirs, None), under_way);
        assert_eq!(claim(store, DIGEST, &theirs, Some(&ours)), under_way, "it may yet come");
        assert_eq!(find(store, name()), Some(ours.clone()));
        assert!(!confirm(&theirs));
        // An import that broke off stands in nobody's way.
        clock.advance_ms(60_001);
        assert_eq!(find(store, name()), None);
        assert!(!confirm(&ours));
        assert_eq!(claim(store, DIGEST, &theirs, None), taken);
        assert!(confirm(&theirs));
        clock.advance_ms(HOUR);
        assert_eq!(find(store, name()), Some(theirs.clone()));
        assert_eq!(claim(store, DIGEST, &ours, None), KeyAnswer::Place(Some(theirs.clone())));
        assert_eq!(
            claim(store, DIGEST, &ours, Some(&theirs)),
            taken,
            "whose key is kept no longer"
        );
        clock.advance_ms(60_001);
        store.sweep();
        assert_nothing_left(store, clock);
    });
}

/// A way in which a key ends, at that instant.
type End = fn(&dyn Store, &KeyPlace, u64);

const ENDS: [End; 4] = [
    |store, key, _| {
        let (updates, told) = parts(answer(store, KeyOp::Revoke(key.clone())));
        assert_eq!(told, KeyAnswer::Done(true));
        tell(store, &updates);
    },
    |store, key, _| {
        // Those who fall together are told so one by one when they are listed.
        count(store, Act::RevokeUser { user: "ada".into(), keys: true, lead: NO_LEAD });
        let get = KeyOp::Get { owner: "ada".into(), ids: vec![key.id.clone()] };
        let (updates, told) = parts(answer(store, get));
        assert!(matches!(told, KeyAnswer::Infos(infos) if infos[0].revoked));
        tell(store, &updates);
    },
    |store, key, now_ms| {
        assert!(changing(store, key));
        tell(store, &change(store, key, Some(now_ms)));
    },
    |store, key, now_ms| {
        // Its expiry is taken back, and then it is revoked.
        for expires_ms in [Some(now_ms), None] {
            assert!(changing(store, key));
            tell(store, &change(store, key, expires_ms));
        }
        let (updates, _) = parts(answer(store, KeyOp::Revoke(key.clone())));
        tell(store, &updates);
    },
];

#[test]
fn the_name_of_an_imported_key_ends_with_the_key() {
    on_every_store(|store, clock| {
        let key = place("ada", 1);
        let mut now_ms = START_MS;
        let mut pass = |ms: u64| {
            clock.advance_ms(ms);
            now_ms += ms;
            now_ms
        };
        for end in ENDS {
            import(store, &key, KeyPatch::default());
            end(store, &key, pass(0));
            pass(LISTED_MS - 1);
            assert!(is_found(store) && get(store, &key).is_some());
            pass(3 * HOUR);
            sweep_all(store);
            assert!(!is_found(store), "the key is gone");
            assert_eq!(store.dump(), "");
        }
        import(store, &key, expires(Some(pass(0) + HOUR)));
        pass(LISTED_MS + HOUR);
        sweep_all(store);
        assert_nothing_left(store, clock);
    });
}

#[test]
fn a_name_ends_never_before_its_key_whoever_changes_the_expiry_at_once_and_breaks_off() {
    on_every_store(|store, clock| {
        let key = place("ada", 1);
        let mut now_ms = START_MS;
        // Of two who change the expiry the second one wins, and takes the end away: in every order of what their names are
        // told, and though one or both of them break off.
        let orders: [&[usize]; 5] = [&[0, 1], &[1, 0], &[0], &[1], &[]];
        for (told, first_is_alone) in orders.iter().flat_map(|told| [(told, false), (told, true)]) {
            import(store, &key, KeyPatch::default());
            assert!(changing(store, &key));
            assert!(first_is_alone || changing(store, &key));
            let first = change(store, &key, Some(now_ms));
            assert!(!first_is_alone || changing(store, &key));
            let updates = [first, change(store, &key, None)];
            for which in *told {
                tell(store, &updates[*which]);
            }
            clock.advance_ms(3 * LISTED_MS);
            sweep_all(store);
            assert!(get(store, &key).is_some() && is_found(store));
            let (updates, _) = parts(answer(store, KeyOp::Revoke(key.clone())));
            tell(store, &updates);
            clock.advance_ms(2 * LISTED_MS);
            sweep_all(store);
            assert_eq!(store.dump(), "");
            now_ms += 5 * LISTED_MS;
        }
    });
}

#[test]
fn an_expiry_of_an_imported_key_is_changed_only_after_its_name_was_told() {
    on_every_store(|store, clock| {
        let key = place("ada", 1);
        import(store, &key, KeyPatch::default());
        let (place, patch) = (key.clone(), Box::new(expires(Some(START_MS + HOUR))));
        let update = KeyOp::Update { place, patch, pointed: false };
        let (updates, told) = parts(answer(store, update));
        if clock.embedded {
            assert!(updates.is_empty(), "there name and key end together");
            return;
        }
        assert_eq!(told, KeyAnswer::Done(false));
        assert_eq!(updates[0].what, KeyChange::Changing);
        assert_eq!(get(store, &key).unwrap().expires_ms, None, "nothing was done");
        let named = KeyPatch { name: Some("n".into()), ..KeyPatch::default() };
        assert!(super::support::keys::update(store, &key, named).is_some());
    });
}
