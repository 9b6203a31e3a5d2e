//! Imported keys: whose a name is, and how long.

use super::support::keys::*;
use super::support::*;
use super::{assert_nothing_left, on_every_store};
use latchgate::core::key_op::{KeyAnswer, KeyName, KeyPlace};

#[test]
fn the_name_of_an_imported_key_has_one_holder() {
    on_every_store(|store, clock| {
        let (ours, theirs) = (place("ada", 1), place("bob", 1));
        let name = || KeyName::Import(DIGEST);
        let confirm = |place: &KeyPlace| {
            done(
                store,
                latchgate::core::key_op::KeyOp::Confirm { digest: DIGEST, place: place.clone() },
            )
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
