//! API keys: what a use is told, in which order, and that nothing burns unless everything allows.

use super::on_every_store;
use super::support::keys::{self, *};
use super::support::*;
use latchgate::core::api_key::ops::Use;
use latchgate::core::api_key::types::{KeyName, KeyPatch, KeyPlace};
use latchgate::core::base::reason::Reason;
use latchgate::core::op::Act;
use latchgate::core::request::request::SessionCheck;
use latchgate::core::store::Store;

const OTHER: [u8; 32] = [8; 32];
const THIRD: [u8; 32] = [9; 32];

fn with(place: &KeyPlace, digest: [u8; 32]) -> Use<'static> {
    Use { digest, ..asked(place, 1) }
}

fn reason(store: &dyn Store, asked: Use<'_>) -> Reason {
    check(store, asked).0
}

fn block(store: &dyn Store, user: &str) {
    count(store, Act::BlockUser { user: user.to_owned().into(), until_ms: None, lead: NO_LEAD });
}

#[test]
fn a_key_is_found_where_it_was_created_and_nowhere_else() {
    on_every_store(|store, _| {
        let (key, other) = (place("ada", 1), place("ada", 2));
        assert!(create(store, &key, KeyPatch::default()));
        assert!(!create(store, &key, KeyPatch::default()), "the id is taken");
        let before = store.dump();
        assert_eq!(find(store, KeyName::Id(key.id.clone())), Some(key.clone()));
        assert_eq!(find(store, KeyName::Id(other.id.clone())), None);
        assert_eq!(reason(store, asked(&other, 1)), Reason::KeyUnknown);
        assert_eq!(reason(store, with(&key, OTHER)), Reason::KeyUnknown);
        assert_eq!(get(store, &other), None);
        assert!(!revoke(store, &other) && !rotate(store, &other, OTHER, 0));
        assert!(keys::add(store, &other, 1, None).is_err());
        assert!(update(store, &other, KeyPatch::default()).is_none());
        assert_eq!(store.dump(), before, "what is unknown leaves nothing");
        assert_eq!(check(store, asked(&key, 1)), (Reason::Allowed, None));
    });
}

#[test]
fn what_is_known_of_a_key_is_what_was_said_and_when_it_was_used() {
    on_every_store(|store, clock| {
        let key = place("ada", 1);
        let said = KeyPatch {
            name: Some("näme".into()),
            scopes: Some(vec!["read".into(), "write".into()]),
            quota: Some(balance(5)),
            expires_ms: Some(Some(START_MS + HOUR)),
            metadata: Some(Some(r#"{"a":[1,"é"]}"#.into())),
        };
        create(store, &key, said);
        clock.advance_ms(10);
        check(store, asked(&key, 0));
        let info = get(store, &key).unwrap();
        assert_eq!((info.name.as_deref(), &*info.start), (Some("näme"), "lg_start"));
        assert_eq!(info.facts.scopes, ["read", "write"]);
        assert_eq!(info.facts.metadata.as_deref(), Some(r#"{"a":[1,"é"]}"#));
        assert_eq!((info.created_ms, info.expires_ms), (START_MS, Some(START_MS + HOUR)));
        assert_eq!((info.last_used_ms, info.revoked), (None, false), "a look is no use");
        let used = use_key(store, asked(&key, 2)).unwrap();
        assert_eq!(used.facts, Some(info.facts));
        assert_eq!(used.place, key);
        let info = get(store, &key).unwrap();
        assert_eq!(info.last_used_ms, Some(START_MS + 10));
        assert_eq!(info.quota.map(|quota| (quota.limit, quota.remaining)), Some((5, 3)));
        clock.advance_ms(10);
        check(store, asked(&key, 9));
        assert_eq!(get(store, &key).unwrap().last_used_ms, Some(START_MS + 10));
        let changed = KeyPatch {
            scopes: Some(Vec::new()),
            expires_ms: Some(None),
            metadata: Some(None),
            ..KeyPatch::default()
        };
        let info = update(store, &key, changed).unwrap();
        assert_eq!(
            (info.expires_ms, info.facts.metadata, info.name.as_deref()),
            (None, None, Some("näme"))
        );
        assert_eq!(info.facts.scopes, [""; 0]);
        assert_eq!(info.quota.map(|quota| quota.remaining), Some(3));
    });
}

#[test]
fn of_several_reasons_the_first_applies_and_none_of_them_burns_a_unit() {
    on_every_store(|store, clock| {
        let key = place("ada", 1);
        let said = KeyPatch {
            scopes: Some(vec!["a".into()]),
            expires_ms: Some(Some(START_MS + HOUR)),
            ..quota(balance(1))
        };
        create(store, &key, said);
        let demanding = || Use { scopes: vec!["a".into(), "b".into()], ..asked(&key, 2) };
        let exhausted = use_key(store, asked(&key, 2)).unwrap();
        assert_eq!(exhausted.decision.reason, Reason::QuotaExhausted);
        assert_eq!(exhausted.own.map(|own| (own.allowed, own.remaining)), Some((false, 1)));
        assert_eq!(check(store, demanding()), (Reason::ScopeMissing, None));
        clock.advance_ms(HOUR);
        assert_eq!(check(store, demanding()), (Reason::KeyExpired, None));
        block(store, "ada");
        assert_eq!(check(store, demanding()), (Reason::UserBlocked, None));
        assert!(revoke(store, &key) && !revoke(store, &key));
        assert_eq!(check(store, demanding()), (Reason::KeyRevoked, None));
        assert_eq!(check(store, Use { digest: OTHER, ..demanding() }), (Reason::KeyUnknown, None));
        assert_eq!(get(store, &key).unwrap().quota.map(|quota| quota.remaining), Some(1));
        assert_eq!(get(store, &key).unwrap().last_used_ms, None);
    });
}

#[test]
fn old_and_new_secret_share_one_quota_until_the_grace_ends_and_then_the_old_one_is_revoked() {
    on_every_store(|store, clock| {
        let key = place("ada", 1);
        create(store, &key, quota(balance(9)));
        assert!(rotate(store, &key, OTHER, 1_000));
        assert_eq!(check(store, asked(&key, 1)).1, Some(8));
        assert_eq!(check(store, with(&key, OTHER)).1, Some(7));
        assert_eq!(get(store, &key).unwrap().start, "lg_again");
        clock.advance_ms(999);
        assert_eq!(check(store, asked(&key, 1)).1, Some(6));
        clock.advance_ms(1);
        assert_eq!(reason(store, asked(&key, 1)), Reason::KeyRevoked);
        assert_eq!(check(store, with(&key, OTHER)).1, Some(5));
        // One old secret at a time: the one before it ends at once.
        assert!(rotate(store, &key, THIRD, HOUR));
        assert!(rotate(store, &key, [1; 32], HOUR));
        assert_eq!(reason(store, asked(&key, 1)), Reason::KeyRevoked);
        assert_eq!(reason(store, with(&key, OTHER)), Reason::KeyRevoked);
        assert_eq!(check(store, with(&key, THIRD)).1, Some(4));
        assert_eq!(check(store, with(&key, [1; 32])).1, Some(3));
        for number in 10..20 {
            rotate(store, &key, [number; 32], 0);
        }
        assert_eq!(reason(store, with(&key, [18; 32])), Reason::KeyRevoked);
        assert_eq!(reason(store, with(&key, THIRD)), Reason::KeyUnknown, "eight are remembered");
        revoke(store, &key);
        assert!(!rotate(store, &key, OTHER, 0), "what was revoked has no secret");
        assert_eq!(reason(store, with(&key, [19; 32])), Reason::KeyRevoked);
    });
}

#[test]
fn keys_fall_with_their_owner_only_where_that_is_said_and_a_later_one_stands() {
    on_every_store(|store, clock| {
        let (key, later, others) = (place("ada", 1), place("ada", 2), place("bob", 1));
        create(store, &key, KeyPatch::default());
        create(store, &others, KeyPatch::default());
        revoke_user(store, "ada");
        assert_eq!(reason(store, asked(&key, 1)), Reason::Allowed);
        // In the very microsecond.
        count(store, Act::RevokeUser { user: "ada".into(), keys: true, lead: NO_LEAD });
        create(store, &later, KeyPatch::default());
        assert_eq!(reason(store, asked(&key, 1)), Reason::KeyRevoked);
        assert!(get(store, &key).unwrap().revoked && !get(store, &later).unwrap().revoked);
        assert!(!revoke(store, &key) && !rotate(store, &key, OTHER, 0));
        assert_eq!(reason(store, asked(&later, 1)), Reason::Allowed);
        assert_eq!(reason(store, asked(&others, 1)), Reason::Allowed);
        // A clock that is set back brings nothing back.
        clock.set_us((START_MS - 60_000) * 1000);
        let after = place("ada", 3);
        create(store, &after, KeyPatch::default());
        assert_eq!(reason(store, asked(&key, 1)), Reason::KeyRevoked);
        assert_eq!(reason(store, asked(&after, 1)), Reason::Allowed);
    });
}

#[test]
fn a_blocked_owners_keys_stand_again_when_the_block_ends() {
    on_every_store(|store, clock| {
        let key = place("ada", 1);
        create(store, &key, KeyPatch::default());
        count(
            store,
            Act::BlockUser { user: "ada".into(), until_ms: Some(START_MS + HOUR), lead: NO_LEAD },
        );
        assert_eq!(reason(store, asked(&key, 1)), Reason::UserBlocked);
        clock.advance_ms(HOUR);
        assert_eq!(reason(store, asked(&key, 1)), Reason::Allowed);
        block(store, "ada");
        assert_eq!(reason(store, asked(&key, 1)), Reason::UserBlocked);
        flag(store, Act::UnblockUser { user: "ada".into() });
        assert_eq!(reason(store, asked(&key, 1)), Reason::Allowed);
    });
}

#[test]
fn an_expiry_may_be_moved_and_a_rule_changed_while_units_used_stay() {
    on_every_store(|store, clock| {
        let key = place("ada", 1);
        let expires_ms = Some(Some(START_MS + 10));
        create(store, &key, KeyPatch { expires_ms, ..quota(balance(5)) });
        check(store, asked(&key, 4));
        clock.advance_ms(10);
        assert_eq!(reason(store, asked(&key, 1)), Reason::KeyExpired);
        let more = KeyPatch { expires_ms: Some(Some(START_MS + HOUR)), ..quota(balance(6)) };
        update(store, &key, more).unwrap();
        assert_eq!(check(store, asked(&key, 0)), (Reason::Allowed, Some(2)));
        update(store, &key, quota(balance(2))).unwrap();
        assert_eq!(check(store, asked(&key, 0)), (Reason::Allowed, Some(0)));
        update(store, &key, quota(window(3, HOUR))).unwrap();
        assert_eq!(
            check(store, asked(&key, 1)),
            (Reason::Allowed, Some(2)),
            "counted in another way"
        );
    });
}

#[test]
fn without_grace_the_old_secret_has_ended_though_the_clock_is_set_back() {
    on_every_store(|store, clock| {
        let key = place("ada", 1);
        create(store, &key, KeyPatch::default());
        assert!(rotate(store, &key, OTHER, 0));
        clock.set_us((START_MS - 60_000) * 1000);
        assert_eq!(reason(store, asked(&key, 1)), Reason::KeyRevoked);
        assert_eq!(reason(store, with(&key, OTHER)), Reason::Allowed);
    });
}

/// A token of the key's owner beside it, in a session.
fn beside(key: &KeyPlace, session: &'static str, cost: u64) -> Use<'static> {
    let decide = request("ada", session, START_MS, SessionCheck::FirstUse).into_owned();
    Use { decide, ..asked(key, cost) }
}

#[test]
fn a_key_beside_a_token_needs_both_and_changes_nothing_where_one_denies() {
    on_every_store(|store, _| {
        let key = place("ada", 1);
        create(store, &key, quota(balance(2)));
        let used = use_key(store, beside(&key, "s", 1)).unwrap();
        assert_eq!((used.decision.reason, used.decision.admitted), (Reason::Allowed, true));
        assert_eq!(used.own.map(|own| own.remaining), Some(1));
        // The token falls: no unit.
        flag(
            store,
            Act::RevokeToken {
                user: "ada".into(),
                token: b"jt".to_vec().into(),
                until_ms: START_MS + HOUR,
            },
        );
        let before = (store.dump(), get(store, &key));
        assert_eq!(check(store, beside(&key, "t", 1)), (Reason::TokenRevoked, None));
        let scopeless = |mut asked: Use<'static>| {
            asked.decide.scope_ok = false;
            asked
        };
        assert_eq!(check(store, scopeless(beside(&key, "s", 1))).0, Reason::ScopeMissing);
        // The key does not suffice: no session.
        assert_eq!(check(store, beside(&key, "x", 2)), (Reason::QuotaExhausted, Some(1)));
        assert_eq!(
            reason(store, Use { digest: OTHER, ..beside(&key, "x", 1) }),
            Reason::KeyUnknown
        );
        assert_eq!((store.dump(), get(store, &key)), before);
        assert_eq!(super::support::ids(store, "ada"), ["s"]);
        assert_eq!(check(store, beside(&key, "x", 1)), (Reason::Allowed, Some(0)));
    });
}
