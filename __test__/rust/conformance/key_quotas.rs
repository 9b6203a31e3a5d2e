//! Quotas of API keys: to the unit, once under an idempotency key, and together with what a request is charged.

use super::on_every_store;
use super::support::counting::once_under;
use super::support::keys::{self, *};
use super::support::*;
use latchgate::core::api_key::ops::Use;
use latchgate::core::api_key::types::{KeyPatch, KeyPlace};
use latchgate::core::base::reason::Reason;
use latchgate::core::op::Act;
use latchgate::core::quota::idempotency::another_question;
use latchgate::core::quota::state::QuotaRule;
use latchgate::core::request::request::Decide;
use std::sync::atomic::{AtomicU8, Ordering};

#[test]
fn a_quota_of_every_kind_is_charged_to_the_unit() {
    on_every_store(|store, clock| {
        for (number, rule) in
            [balance(3), window(3, 60_000), bucket(3, 60_000)].into_iter().enumerate()
        {
            let key = place("ada", u8::try_from(number).unwrap());
            create(store, &key, quota(rule));
            assert_eq!(check(store, asked(&key, 2)), (Reason::Allowed, Some(1)));
            assert_eq!(check(store, asked(&key, 2)), (Reason::QuotaExhausted, Some(1)));
            assert_eq!(check(store, asked(&key, 0)), (Reason::Allowed, Some(1)));
            assert_eq!(check(store, asked(&key, 1)), (Reason::Allowed, Some(0)));
            clock.advance_ms(60_000);
            let left = if number == 0 { 0 } else { 3 };
            assert_eq!(check(store, asked(&key, 0)).1, Some(left));
        }
    });
}

#[test]
fn a_balance_is_topped_up_and_nothing_else_is() {
    on_every_store(|store, _| {
        let (key, window_key, plain) = (place("ada", 1), place("ada", 2), place("ada", 3));
        create(store, &key, quota(balance(5)));
        create(store, &window_key, quota(window(5, HOUR)));
        create(store, &plain, KeyPatch::default());
        check(store, asked(&key, 5));
        let added = keys::add(store, &key, 3, once_under(1, 1)).unwrap();
        assert_eq!((added.limit, added.remaining, added.replayed), (8, 3, false));
        check(store, asked(&key, 1));
        let again = keys::add(store, &key, 3, once_under(1, 1)).unwrap();
        assert_eq!((again.limit, again.remaining, again.replayed), (8, 3, true));
        let before = store.dump();
        assert!(keys::add(store, &key, 4, once_under(1, 2)).is_err(), "another question");
        assert!(keys::add(store, &key, (1 << 53) - 1, None).is_err(), "more than can be counted");
        assert!(keys::add(store, &window_key, 1, None).is_err());
        assert!(keys::add(store, &plain, 1, None).is_err());
        assert_eq!(store.dump(), before);
        assert_eq!(check(store, asked(&key, 2)), (Reason::Allowed, Some(0)));
    });
}

#[test]
fn a_use_under_an_idempotency_key_is_charged_once_for_a_day() {
    on_every_store(|store, clock| {
        let key = place("ada", 1);
        create(store, &key, quota(balance(5)));
        let ask = |cost, name, question| {
            use_key(store, Use { once: once_under(name, question), ..asked(&key, cost) })
        };
        let told = |name| ask(2, name, 2).unwrap().own.map(|own| (own.remaining, own.replayed));
        assert_eq!(told(1), Some((3, false)));
        assert_eq!(told(2), Some((1, false)));
        assert_eq!(told(1), Some((3, true)));
        assert!(ask(1, 1, 1).is_err(), "another question");
        // A denial is decided anew.
        assert_eq!(ask(2, 3, 2).unwrap().decision.reason, Reason::QuotaExhausted);
        keys::add(store, &key, 1, None).unwrap();
        assert_eq!(told(3), Some((0, false)));
        assert_eq!(told(3), Some((0, true)));
        assert_eq!(
            ask(0, 3, 0).unwrap().own.map(|own| own.replayed),
            Some(false),
            "a look asks nothing"
        );
        // Another question is told of only where nothing else denies.
        count(store, Act::BlockUser { user: "ada".into(), until_ms: None, lead: NO_LEAD });
        assert_eq!(ask(1, 3, 1).unwrap().decision.reason, Reason::UserBlocked);
        flag(store, Act::UnblockUser { user: "ada".into() });
        clock.advance_ms(24 * HOUR);
        assert_eq!(ask(2, 1, 2).unwrap().decision.reason, Reason::QuotaExhausted);
        revoke(store, &key);
        assert_eq!(ask(1, 3, 1).unwrap().decision.reason, Reason::KeyRevoked);
    });
}

fn charged(key: &KeyPlace, name: &'static str, rule: QuotaRule, apart: bool) -> Use<'static> {
    let charge = if apart { charge_apart(name, rule, 1) } else { charge(name, rule, 1) };
    let decide = Decide { charge, ..Decide::without_token("ada".into(), reject(3)) };
    // Of the units that may have to be given back.
    static RECEIPTS: AtomicU8 = AtomicU8::new(0);
    let receipt = apart.then(|| [RECEIPTS.fetch_add(1, Ordering::SeqCst); 16]);
    Use { decide, receipt, ..asked(key, 1) }
}

#[test]
fn what_a_key_was_charged_for_another_request_is_not_given_back_by_one_that_is_denied() {
    on_every_store(|store, _| {
        let key = place("ada", 1);
        create(store, &key, quota(balance(3)));
        let ask = || {
            let once = once_under(1, 1);
            let used = Use { once, ..charged(&key, "bpx", balance(1), true) };
            use_key(store, used).unwrap().decision.reason
        };
        assert_eq!(ask(), Reason::Allowed);
        assert_eq!(ask(), Reason::QuotaExhausted);
        assert_eq!(get(store, &key).unwrap().quota.unwrap().remaining, 2);
        let own = check(store, Use { once: once_under(1, 1), ..asked(&key, 1) });
        assert_eq!(own, (Reason::Allowed, Some(2)), "told again, and charged once");
        assert_eq!(get(store, &key).unwrap().quota.unwrap().remaining, 2);
    });
}

#[test]
fn where_the_quota_of_a_request_was_asked_something_else_the_key_is_not_charged() {
    on_every_store(|store, _| {
        let key = place("ada", 1);
        create(store, &key, quota(balance(3)));
        let ask = |question| {
            let mut used = charged(&key, "bpx", balance(9), true);
            used.decide.charge.as_mut().unwrap().once = once_under(1, question);
            use_key(store, used).map(|used| used.decision.reason)
        };
        assert_eq!(ask(1), Ok(Reason::Allowed));
        assert_eq!(ask(2), Err(another_question()));
        assert_eq!(get(store, &key).unwrap().quota.unwrap().remaining, 2);
    });
}

#[test]
fn a_request_is_charged_to_its_quota_and_to_the_key_or_to_neither() {
    on_every_store(|store, _| {
        for (number, apart) in [(1, false), (2, true)] {
            let key = place("ada", number);
            create(store, &key, quota(balance(3)));
            for (name, rule) in [("b", balance(1)), ("w", window(1, HOUR)), ("g", bucket(1, HOUR))]
            {
                let name = if apart { ["bpx", "wpx", "gpx"] } else { ["bux", "wux", "gux"] }
                    [["b", "w", "g"].iter().position(|tag| *tag == name).unwrap()];
                let left = get(store, &key).unwrap().quota.unwrap().remaining;
                let used = use_key(store, charged(&key, name, rule, apart)).unwrap();
                assert_eq!(used.decision.reason, Reason::Allowed);
                assert_eq!(used.decision.quota.map(|quota| quota.remaining), Some(0));
                assert_eq!(used.own.map(|own| own.remaining), Some(left - 1));
                let mut again = charged(&key, name, rule, apart);
                again.cost = u64::from(left > 1);
                let refused = use_key(store, again).unwrap();
                assert_eq!(refused.decision.reason, Reason::QuotaExhausted);
                assert_eq!(refused.decision.quota.map(|quota| quota.allowed), Some(false));
                let info = get(store, &key).unwrap();
                assert_eq!(info.quota.unwrap().remaining, left - 1, "given back");
            }
            // The key is spent: the request's quota is not touched.
            let fresh = if apart { "bpy" } else { "buy" };
            let refused = use_key(store, charged(&key, fresh, balance(1), apart)).unwrap();
            assert_eq!(refused.decision.reason, Reason::QuotaExhausted);
            assert_eq!(refused.own.map(|own| own.allowed), Some(false));
            if !apart {
                assert_eq!(refused.decision.quota.map(|quota| quota.allowed), Some(true));
            }
            keys::add(store, &key, 1, None).unwrap();
            assert_eq!(check(store, charged(&key, fresh, balance(1), apart)).0, Reason::Allowed);
        }
    });
}
