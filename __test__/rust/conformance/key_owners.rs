//! Keys that are imported again, for another owner of the same bucket: the id stays, the owner does not. What a process
//! remembers of the former owner finds nothing.

use super::support::keys::*;
use super::support::*;
use super::{RuleClock, on_every_store, sweep};
use latchgate::core::api_key::key::LISTED_MS;
use latchgate::core::api_key::ops::{KeyAnswer, KeyOp};
use latchgate::core::api_key::types::{KeyName, KeyPatch, KeyPlace};
use latchgate::core::base::reason::Reason;
use latchgate::core::op::Act;
use latchgate::core::quota::spend::Refund;
use latchgate::core::quota::state::{Charged, QuotaRule, Refill};
use latchgate::core::request::credential::{Credential, KeyCredential};
use latchgate::core::store::Store;
use std::borrow::Cow;

const RULE: QuotaRule = QuotaRule { limit: 9, refill: Refill::Never };

/// The key of ada, and of her bucket mate.
fn places() -> (KeyPlace, KeyPlace) {
    let mate = bucket_mate("ada");
    (place("ada", 1), place(&mate, 1))
}

/// ada's key is imported, used, revoked, and forgotten; then it is imported for her bucket mate.
fn import_twice(store: &dyn Store, clock: &RuleClock<'_>) -> (KeyPlace, KeyPlace) {
    let (first, second) = places();
    assert_eq!(first.id, second.id);
    import(store, &first, quota(RULE));
    assert_eq!(check(store, asked(&first, 1)), (Reason::Allowed, Some(8)));
    let revoked = parts(answer(store, KeyOp::Revoke(first.clone()))).1;
    assert_eq!(revoked, KeyAnswer::Done(true));
    clock.advance_ms(LISTED_MS);
    // Its name is held for a while longer; the key is not there any more.
    assert_eq!(claim(store, DIGEST, &second, Some(&first)), KeyAnswer::Place(None));
    import_over(store, &second);
    (first, second)
}

fn import_over(store: &dyn Store, place: &KeyPlace) {
    let new = latchgate::core::api_key::types::NewKey {
        place: place.clone(),
        digest: DIGEST,
        imported: true,
        start: "lg_start".into(),
        patch: quota(RULE),
    };
    assert!(done(store, KeyOp::Create(Box::new(new))));
    let what = latchgate::core::api_key::ops::KeyChange::Created { expires_ms: None };
    let (digest, place) = (DIGEST, place.clone());
    assert!(point(store, &latchgate::core::api_key::ops::IndexUpdate { digest, place, what }));
}

fn stands(store: &dyn Store, place: &KeyPlace) -> Reason {
    let key = KeyCredential { id: place.id.as_str().into(), digest: DIGEST };
    let credential = Credential { token: None, key: Some(key) };
    let user: Cow<'_, str> = place.owner.as_str().into();
    match call(store, Act::CheckCredential { user, credential }) {
        latchgate::core::op::Answer::Validity(reason) => reason,
        other => panic!("not a standing: {other:?}"),
    }
}

#[test]
fn an_imported_key_is_unknown_under_its_former_owner_whatever_is_asked_of_it() {
    on_every_store(|store, clock| {
        let (former, owner) = import_twice(store, clock);
        assert_eq!(check(store, asked(&former, 1)), (Reason::KeyUnknown, None));
        assert_eq!(stands(store, &former), Reason::KeyUnknown);
        assert!(!rotate(store, &former, [8; 32], 0));
        assert!(add(store, &former, 5, None).is_err());
        assert!(update(store, &former, KeyPatch::default()).is_none());
        assert!(get(store, &former).is_none());
        assert!(!revoke(store, &former));
        assert!(keys_of(store, "ada").is_empty());
        // Nothing of it has reached the key.
        let name = || KeyName::Id(owner.id.clone());
        assert_eq!(find(store, name()), Some(owner.clone()));
        assert_eq!(find(store, KeyName::Import(DIGEST)), Some(owner.clone()));
        assert_eq!(stands(store, &owner), Reason::Allowed);
        assert_eq!(check(store, asked(&owner, 1)), (Reason::Allowed, Some(8)));
        assert_eq!(get(store, &owner).unwrap().place, owner);
        // What an embedded store drops of the former owner is not the key's.
        sweep(store);
        assert_eq!(find(store, name()), Some(owner.clone()));
        assert_eq!(find(store, KeyName::Import(DIGEST)), Some(owner.clone()));
        assert_eq!(check(store, asked(&owner, 1)), (Reason::Allowed, Some(7)));
    });
}

fn keys_of(store: &dyn Store, owner: &str) -> Vec<String> {
    // What is gone is taken out of the list as it is looked at.
    let listed = super::support::keys::ids(store, owner);
    listed.into_iter().filter(|id| get(store, &place_at(id, owner)).is_some()).collect()
}

fn place_at(id: &str, owner: &str) -> KeyPlace {
    KeyPlace { id: id.to_owned(), owner: owner.to_owned() }
}

#[test]
fn blocks_and_revocations_of_the_former_owner_miss_the_key_and_those_of_the_owner_do_not() {
    on_every_store(|store, clock| {
        let (former, owner) = import_twice(store, clock);
        block_user(store, &former.owner, None);
        call(
            store,
            Act::RevokeUser { user: former.owner.as_str().into(), keys: true, lead: NO_LEAD },
        );
        assert!(keys_of(store, &former.owner).is_empty());
        assert_eq!(check(store, asked(&owner, 1)), (Reason::Allowed, Some(8)));
        block_user(store, &owner.owner, None);
        assert_eq!(check(store, asked(&owner, 1)).0, Reason::UserBlocked);
    });
}

#[test]
fn a_key_of_another_owner_is_not_replaced_because_keys_of_this_one_have_fallen() {
    on_every_store(|store, clock| {
        // Both keys of an embedded store lie with their owners: its names alone hold them apart.
        if clock.embedded {
            return;
        }
        let (first, second) = places();
        import(store, &first, KeyPatch::default());
        create(store, &place(&second.owner, 2), KeyPatch::default());
        clock.advance_ms(MINUTE);
        let user = second.owner.as_str().into();
        call(store, Act::RevokeUser { user, keys: true, lead: NO_LEAD });
        clock.advance_ms(LISTED_MS + HOUR);
        assert!(!create(store, &second, KeyPatch::default()), "the id is taken");
        assert_eq!(check(store, asked(&first, 1)).0, Reason::Allowed);
    });
}

#[test]
fn what_the_former_owner_was_charged_is_not_given_back_to_the_key() {
    on_every_store(|store, clock| {
        let (former, owner) = import_twice(store, clock);
        let quota_key = format!("bkplan\0{}", owner.id);
        let charged = |place: &KeyPlace, receipt: u8| {
            let mut asked = asked(place, 0);
            let mut charge = charge("unused", RULE, 2).unwrap();
            charge.key = quota_key.clone().into();
            charge.spend = spend(2, receipt);
            asked.decide.charge = Some(charge);
            use_key(store, asked).unwrap().decision.quota.unwrap().charged.unwrap()
        };
        let told = charged(&owner, 1);
        let give_back = |user: &str, charged: Charged| {
            flag(
                store,
                Act::Refund(Refund {
                    user: Some(user.to_owned().into()),
                    lasting: true,
                    key: quota_key.clone().into(),
                    charged,
                    units: 2,
                    memory: None,
                    of_request: false,
                }),
            )
        };
        assert!(!give_back(&former.owner, told));
        assert!(give_back(&owner.owner, told));
    });
}
