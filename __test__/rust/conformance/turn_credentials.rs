//! Turns of users: the credential is asked for in the step that grants them, and whoever watches is told when something
//! has fallen.

use super::on_every_store;
use super::support::counting::credential;
use super::support::keys;
use super::support::turning::*;
use super::support::*;
use latchgate::core::api_key::types::KeyPatch;
use latchgate::core::base::reason::Reason;
use latchgate::core::op::Act;
use latchgate::core::request::credential::{Credential, KeyCredential};
use latchgate::core::request::request::SessionCheck;
use latchgate::core::store::{Notice, Store};
use latchgate::core::turn::ops::{Ask, TurnAnswer, TurnMode, TurnTicket};

fn with<'a>(ticket: TurnTicket, session: &'a str) -> Ask<'a> {
    let credential = Some(credential(session, START_MS, SessionCheck::Explicit));
    Ask { credential, ..asked(user("u"), ticket) }
}

fn grant(store: &dyn Store, ask: Ask<'_>) -> TurnAnswer {
    try_ask(store, ask).unwrap()
}

#[test]
fn a_turn_is_granted_only_while_the_credential_stands() {
    on_every_store(|store, _| {
        let ears = Ears::of(store, 1);
        let unknown = grant(store, with(ears.ticket(1), "s"));
        assert_eq!(unknown, TurnAnswer::Denied(Reason::SessionUnknown));
        assert_eq!(store.dump(), "", "a denial leaves nothing");
        admit(store, "u", "s", reject(3));
        assert!(fence(grant(store, with(ears.ticket(1), "s"))).is_some());
        assert!(leave(store, user("u"), ears.ticket(1)));
    });
}

#[test]
fn whoever_waited_with_a_credential_that_fell_is_denied_and_the_next_is_woken() {
    on_every_store(|store, _| {
        let ears = Ears::of(store, 1);
        for session in ["a", "b", "c"] {
            admit(store, "u", session, reject(3));
        }
        assert!(fence(grant(store, with(ears.ticket(1), "a"))).is_some());
        assert_eq!(ahead(grant(store, with(ears.ticket(2), "b"))), Some(0));
        assert_eq!(ahead(grant(store, with(ears.ticket(3), "c"))), Some(1));
        end(store, "u", "b");
        assert_eq!(ears.next(), Notice::Revoked("u".into()));
        assert!(leave(store, user("u"), ears.ticket(1)));
        assert_eq!(ears.woken(), 2);
        let denied = grant(store, with(ears.ticket(2), "b"));
        assert_eq!(denied, TurnAnswer::Denied(Reason::SessionEnded));
        assert_eq!(ears.woken(), 3, "in the same step");
        assert!(fence(grant(store, with(ears.ticket(3), "c"))).is_some());
        assert_eq!(grant(store, with(ears.ticket(2), "b")), denied);
    });
}

#[test]
fn a_holder_that_asks_again_with_a_fallen_credential_holds_no_more() {
    on_every_store(|store, _| {
        let ears = Ears::of(store, 1);
        admit(store, "u", "s", reject(3));
        assert!(fence(grant(store, with(ears.ticket(1), "s"))).is_some());
        assert_eq!(ahead(ask(store, user("u"), ears.ticket(2))), Some(0));
        revoke_user(store, "u");
        assert_eq!(ears.next(), Notice::Revoked("u".into()));
        let denied = grant(store, with(ears.ticket(1), "s"));
        assert_eq!(denied, TurnAnswer::Denied(Reason::UserRevoked));
        assert_eq!(ears.woken(), 2);
        assert!(fence(ask(store, user("u"), ears.ticket(2))).is_some());
    });
}

#[test]
fn behind_a_barrier_nobody_gets_a_turn_with_what_was_revoked_before_it() {
    on_every_store(|store, _| {
        let ears = Ears::of(store, 1);
        admit(store, "u", "s", reject(3));
        let running = fence(grant(store, with(ears.ticket(1), "s"))).unwrap();
        for number in 2..6 {
            grant(store, with(ears.ticket(number), "s"));
        }
        revoke_user(store, "u");
        assert_eq!(ears.next(), Notice::Revoked("u".into()));
        let barrier = |number| ask_as(store, user("u"), ears.ticket(number), TurnMode::Front);
        assert_eq!(ahead(barrier(9)), Some(0), "behind the section that runs, before all others");
        assert!(leave(store, user("u"), ears.ticket(1)));
        assert_eq!(ears.woken(), 9);
        assert!(fence(barrier(9)).unwrap() > running);
        assert!(leave(store, user("u"), ears.ticket(9)));
        for number in 2..6 {
            assert_eq!(ears.woken(), number);
            let denied = grant(store, with(ears.ticket(number), "s"));
            assert_eq!(denied, TurnAnswer::Denied(Reason::UserRevoked));
        }
    });
}

#[test]
fn a_turn_with_an_api_key_is_granted_while_the_key_stands() {
    on_every_store(|store, _| {
        let (ears, key) = (Ears::of(store, 1), keys::place("u", 1));
        let with_key = |number| {
            let key = KeyCredential { id: key.id.as_str().into(), digest: keys::DIGEST };
            let credential = Some(Credential { token: None, key: Some(key) });
            grant(store, Ask { credential, ..asked(user("u"), ears.ticket(number)) })
        };
        assert_eq!(with_key(1), TurnAnswer::Denied(Reason::KeyUnknown));
        keys::create(store, &key, KeyPatch::default());
        assert!(fence(with_key(1)).is_some());
        assert_eq!(ahead(with_key(2)), Some(0));
        keys::revoke(store, &key);
        assert_eq!(ears.next(), Notice::Revoked("u".into()));
        assert!(leave(store, user("u"), ears.ticket(1)));
        assert_eq!(ears.woken(), 2);
        assert_eq!(with_key(2), TurnAnswer::Denied(Reason::KeyRevoked));
    });
}

#[test]
fn whoever_watches_is_told_of_all_that_falls_and_of_nothing_else() {
    on_every_store(|store, _| {
        let (ears, key) = (Ears::of(store, 1), keys::place("u", 1));
        let told = |what: &str| assert_eq!(ears.next(), Notice::Revoked("u".into()), "{what}");
        for session in ["a", "b", "c"] {
            admit(store, "u", session, reject(3));
        }
        decide(store, request("u", "a", START_MS, SessionCheck::Explicit));
        touch(store, "u", "a");
        assert!(!end(store, "u", "never"));
        assert_eq!(admit(store, "u", "d", reject(3)).reason, Reason::SessionLimit);
        keys::create(store, &key, KeyPatch::default());
        assert!(end(store, "u", "a"));
        told("a session ended");
        admit(store, "u", "d", evict(2));
        told("evicted at a login");
        decide(store, request("u", "e", START_MS, SessionCheck::FirstUse));
        let mut first = request("u", "f", START_MS, SessionCheck::FirstUse);
        first.rule = evict(2);
        assert!(decide(store, first).admitted);
        told("evicted by first use");
        count(store, Act::EndAll { user: "u".into(), except: None });
        told("all of them ended");
        let token = b"js".as_slice().into();
        flag(store, Act::RevokeToken { user: "u".into(), token, until_ms: START_MS + HOUR });
        told("a token");
        revoke_user(store, "u");
        told("the user");
        count(store, Act::BlockUser { user: "u".into(), until_ms: None, lead: NO_LEAD });
        told("blocked");
        keys::rotate(store, &key, [8; 32], 0);
        told("a secret");
        keys::revoke(store, &key);
        told("a key");
        assert!(ears.all().is_empty());
    });
}
