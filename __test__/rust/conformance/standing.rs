//! Whether a credential still stands: a token, an API key, or both; and acts that are made only while it does.

use super::on_every_store;
use super::support::counting::*;
use super::support::keys::{self, DIGEST};
use super::support::turning::standing;
use super::support::*;
use latchgate::core::api_key::key::LISTED_MS;
use latchgate::core::api_key::types::{KeyPatch, KeyPlace};
use latchgate::core::base::digest::Digest;
use latchgate::core::base::error::FaultCode;
use latchgate::core::base::reason::Reason;
use latchgate::core::counter::counter::Apply;
use latchgate::core::op::Act;
use latchgate::core::request::credential::{Credential, KeyCredential};
use latchgate::core::request::request::SessionCheck;
use latchgate::core::store::Store;

fn with_key(place: &KeyPlace, digest: Digest) -> Credential<'_> {
    Credential { token: None, key: Some(KeyCredential { id: place.id.as_str().into(), digest }) }
}

fn with_both<'a>(session: &'a str, place: &'a KeyPlace) -> Credential<'a> {
    Credential { key: with_key(place, DIGEST).key, ..token(session) }
}

fn token(session: &str) -> Credential<'_> {
    credential(session, START_MS, SessionCheck::Explicit)
}

/// A change that is made only while the credential stands, or the code with which it is refused.
fn changed(store: &dyn Store, credential: Credential<'_>) -> Result<i64, FaultCode> {
    let asked = Apply { credential: Some(credential), ..changes("u", &[change("c", 1)]) };
    match try_call(store, Act::Apply(asked)) {
        Ok(_) => Ok(value(store, "u", "c")),
        Err(fault) => Err(fault.code),
    }
}

#[test]
fn a_token_stands_until_something_fells_it_and_asking_touches_nothing() {
    type Fell = (Reason, fn(&dyn Store));
    let falls: [Fell; 4] = [
        (Reason::TokenRevoked, |store| {
            let token = b"js".as_slice().into();
            flag(store, Act::RevokeToken { user: "u".into(), token, until_ms: START_MS + HOUR });
        }),
        (Reason::UserRevoked, |store| {
            revoke_user(store, "u");
        }),
        (Reason::UserBlocked, |store| {
            count(store, Act::BlockUser { user: "u".into(), until_ms: None, lead: NO_LEAD });
        }),
        (Reason::SessionEnded, |store| {
            end(store, "u", "s");
        }),
    ];
    for (reason, fall) in falls {
        on_every_store(|store, clock| {
            admit(store, "u", "s", reject(3));
            clock.advance_ms(MINUTE);
            let before = store.dump();
            assert_eq!(standing(store, "u", token("s")), Reason::Allowed);
            assert_eq!(standing(store, "u", token("t")), Reason::SessionUnknown);
            assert_eq!(store.dump(), before);
            fall(store);
            let before = store.dump();
            assert_eq!(standing(store, "u", token("s")), reason);
            assert_eq!(store.dump(), before);
            assert_eq!(standing(store, "v", token("s")), Reason::SessionUnknown, "of another user");
        });
    }
}

#[test]
fn a_session_that_has_timed_out_does_not_stand() {
    on_every_store(|store, clock| {
        admit(store, "u", "s", reject(3));
        clock.advance_ms(30 * MINUTE - 1);
        assert_eq!(standing(store, "u", token("s")), Reason::Allowed);
        clock.advance_ms(1);
        assert_eq!(standing(store, "u", token("s")), Reason::SessionEnded, "and asking was no use");
    });
}

#[test]
fn a_key_stands_until_it_ends_and_its_owner_is_blocked() {
    type Fell = (Reason, fn(&dyn Store, &KeyPlace));
    let falls: [Fell; 6] = [
        (Reason::KeyRevoked, |store, key| {
            keys::revoke(store, key);
        }),
        (Reason::KeyRevoked, |store, key| {
            keys::rotate(store, key, [8; 32], 0);
        }),
        (Reason::KeyRevoked, |store, _| {
            count(store, Act::RevokeUser { user: "u".into(), keys: true, lead: NO_LEAD });
        }),
        (Reason::KeyExpired, |store, key| {
            let patch = KeyPatch { expires_ms: Some(Some(START_MS)), ..KeyPatch::default() };
            keys::update(store, key, patch);
        }),
        (Reason::UserBlocked, |store, _| {
            count(store, Act::BlockUser { user: "u".into(), until_ms: None, lead: NO_LEAD });
        }),
        (Reason::Allowed, |store, _| {
            // What ends the owner's tokens and sessions does not end the keys.
            revoke_user(store, "u");
        }),
    ];
    for (reason, fall) in falls {
        on_every_store(|store, _| {
            let key = keys::place("u", 1);
            keys::create(store, &key, keys::quota(balance(0)));
            let before = store.dump();
            assert_eq!(standing(store, "u", with_key(&key, DIGEST)), Reason::Allowed);
            assert_eq!(standing(store, "u", with_key(&key, [9; 32])), Reason::KeyUnknown);
            let other = keys::place("u", 2);
            assert_eq!(standing(store, "u", with_key(&other, DIGEST)), Reason::KeyUnknown);
            assert_eq!(store.dump(), before, "and its quota was not asked");
            assert_eq!(changed(store, with_key(&key, DIGEST)), Ok(1));
            fall(store, &key);
            assert_eq!(standing(store, "u", with_key(&key, DIGEST)), reason);
            let before = store.dump();
            let after = changed(store, with_key(&key, DIGEST));
            if reason == Reason::Allowed {
                assert_eq!(after, Ok(2));
            } else {
                assert_eq!(after, Err(FaultCode::Revoked));
                assert_eq!(store.dump(), before);
            }
        });
    }
}

#[test]
fn an_old_secret_stands_in_its_grace_and_a_key_that_ended_long_ago_is_unknown() {
    on_every_store(|store, clock| {
        let key = keys::place("u", 1);
        keys::create(store, &key, KeyPatch::default());
        keys::rotate(store, &key, [8; 32], MINUTE);
        assert_eq!(standing(store, "u", with_key(&key, DIGEST)), Reason::Allowed);
        assert_eq!(standing(store, "u", with_key(&key, [8; 32])), Reason::Allowed);
        clock.advance_ms(MINUTE);
        assert_eq!(standing(store, "u", with_key(&key, DIGEST)), Reason::KeyRevoked);
        assert_eq!(standing(store, "u", with_key(&key, [8; 32])), Reason::Allowed);
        keys::revoke(store, &key);
        clock.advance_ms(LISTED_MS);
        assert_eq!(standing(store, "u", with_key(&key, [8; 32])), Reason::KeyUnknown);
    });
}

#[test]
fn of_a_token_and_a_key_both_must_stand() {
    on_every_store(|store, _| {
        let key = keys::place("u", 1);
        keys::create(store, &key, KeyPatch::default());
        admit(store, "u", "s", reject(3));
        assert_eq!(standing(store, "u", with_both("s", &key)), Reason::Allowed);
        assert_eq!(standing(store, "u", with_both("t", &key)), Reason::SessionUnknown);
        assert_eq!(changed(store, with_both("s", &key)), Ok(1));
        assert_eq!(changed(store, with_both("t", &key)), Err(FaultCode::Revoked));
        keys::revoke(store, &key);
        assert_eq!(standing(store, "u", with_both("s", &key)), Reason::KeyRevoked);
        assert_eq!(changed(store, with_both("s", &key)), Err(FaultCode::Revoked));
        assert_eq!(standing(store, "u", token("s")), Reason::Allowed);
        end(store, "u", "s");
        assert_eq!(
            standing(store, "u", with_both("s", &key)),
            Reason::KeyRevoked,
            "the first of two"
        );
    });
}

#[test]
fn a_key_of_another_user_of_the_same_bucket_does_not_stand() {
    // Keys of one bucket lie in one slot, so that a server would find it.
    let bucket = latchgate::core::base::hash_slot::bucket("u");
    let other = (0..)
        .map(|n| format!("n{n}"))
        .find(|id| latchgate::core::base::hash_slot::bucket(id) == bucket);
    let other = other.unwrap();
    on_every_store(|store, _| {
        let key = keys::place("u", 1);
        keys::create(store, &key, KeyPatch::default());
        assert_eq!(standing(store, &other, with_key(&key, DIGEST)), Reason::KeyUnknown);
        assert_eq!(standing(store, "u", with_key(&key, DIGEST)), Reason::Allowed);
    });
}
