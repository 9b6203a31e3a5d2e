//! What one account has piled up: thousands of live sessions, of ended ones, of API keys. Every answer stays exact, though a
//! step looks at a slice of it only.

use super::support::keys;
use super::support::*;
use super::{assert_nothing_left, on_every_store};
use latchgate::core::api_key::types::{KeyPatch, KeyPlace};
use latchgate::core::base::hash_slot::bucket;
use latchgate::core::base::reason::Reason;
use latchgate::core::op::{Act, Answer, Op};
use latchgate::core::request::request::{Admit, Decide, Decision, SessionCheck};
use latchgate::core::revocation::lead::{Lead, PERIOD_MS};
use latchgate::core::session::rule::{AdmissionRule, OnLimit};
use latchgate::core::store::Store;
use std::collections::BTreeMap;

fn admit_many(store: &dyn Store, count: usize, rule: AdmissionRule) {
    let ids: Vec<String> = (0..count).map(|n| format!("s{n}")).collect();
    let acts = ids.iter().map(|id| {
        Act::Admit(Admit { user: "u".into(), session: id.as_str().into(), device: None, rule })
    });
    for outcome in call_all(store, acts) {
        match outcome {
            Ok(Answer::Admission(admission)) => assert_eq!(admission.reason, Reason::Allowed),
            other => panic!("not an admission: {other:?}"),
        }
    }
}

fn without_limit() -> AdmissionRule {
    rule(None, OnLimit::Reject)
}

#[test]
fn thousands_of_sessions_that_timed_out_together_take_no_room() {
    on_every_store(|store, clock| {
        admit_many(store, 3_500, without_limit());
        clock.advance_ms(30 * MINUTE);
        for (n, limit) in [(0, 1), (1, 2), (2, 3)] {
            let admitted = admit(store, "u", &format!("new{n}"), reject(limit));
            assert_eq!((admitted.reason, admitted.active), (Reason::Allowed, limit));
        }
        assert_eq!(admit(store, "u", "new3", reject(3)).reason, Reason::SessionLimit);
        let first = decide(store, request("u", "new4", START_MS, SessionCheck::FirstUse));
        assert_eq!(first.would_deny.first(), Reason::SessionLimit);
        assert_eq!(ids(store, "u").len(), 3);
        assert_eq!(admit(store, "u", "s3499", reject(9)).reason, Reason::SessionEnded);
        assert_eq!(revoke_user(store, "u"), 3);
    });
}

#[test]
fn the_least_recently_active_of_hundreds_makes_room_whatever_was_touched_since() {
    on_every_store(|store, clock| {
        let mut order: BTreeMap<u64, String> = BTreeMap::new();
        let mut touched_at = BTreeMap::new();
        let mut now = 0;
        let mut touch_at = |order: &mut BTreeMap<u64, String>, id: &str| {
            clock.advance_ms(1);
            now += 1;
            if let Some(before) = touched_at.insert(id.to_owned(), now) {
                order.remove(&before);
            }
            order.insert(now, id.to_owned());
        };
        for n in 0..450 {
            let id = format!("s{n}");
            touch_at(&mut order, &id);
            admit(store, "u", &id, evict(450));
        }
        for n in 0..900_usize {
            let id = format!("s{}", n * 7_919 % 450);
            touch_at(&mut order, &id);
            assert!(touch(store, "u", &id).is_some());
        }
        for n in 0..20 {
            let id = format!("new{n}");
            touch_at(&mut order, &id);
            let evicted = admit(store, "u", &id, evict(450)).evicted;
            let oldest = order.pop_first().map(|(_, id)| id);
            assert_eq!(evicted.into_iter().map(|s| s.id).next(), oldest);
        }
        let listed: Vec<String> = order.into_values().rev().collect();
        let mut sessions = list(store, "u");
        sessions.sort_by_key(|session| std::cmp::Reverse(session.times.last_active_ms));
        assert_eq!(sessions.into_iter().map(|session| session.id).collect::<Vec<_>>(), listed);
    });
}

#[test]
fn a_limit_that_is_lowered_by_hundreds_ends_all_but_the_newcomer() {
    on_every_store(|store, clock| {
        admit_many(store, 700, without_limit());
        clock.advance_ms(1);
        let admitted = admit(store, "u", "new", evict(1));
        assert_eq!((admitted.reason, admitted.active), (Reason::Allowed, 1));
        assert_eq!(ids(store, "u"), ["new"]);
        for id in ["s0", "s399", "s699"] {
            assert_eq!(admit(store, "u", id, without_limit()).reason, Reason::SessionEnded);
        }
    });
}

#[test]
fn thousands_of_sessions_end_at_once_and_none_comes_back() {
    on_every_store(|store, clock| {
        admit_many(store, 5_000, without_limit());
        let all_but = Act::EndAll { user: "u".into(), except: Some("s77".into()) };
        assert_eq!(count(store, all_but), 4_999);
        assert_eq!(ids(store, "u"), ["s77"]);
        for id in ["s0", "s1", "s2500", "s4999"] {
            assert!(touch(store, "u", id).is_none());
            assert!(!end(store, "u", id));
            assert_eq!(admit(store, "u", id, without_limit()).reason, Reason::SessionEnded);
            let asked = decide(store, request("u", id, START_MS, SessionCheck::FirstUse));
            assert_eq!(asked.reason, Reason::SessionEnded);
        }
        for n in 0..3 {
            clock.advance_ms(1);
            assert_eq!(admit(store, "u", &format!("a{n}"), evict(2)).active, 2);
        }
        assert_eq!(ids(store, "u"), ["a2", "a1"]);
        assert_eq!(admit(store, "u", "s77", evict(2)).reason, Reason::SessionEnded);
        let refused = admit(store, "u", "b", reject(2));
        assert_eq!(refused.retry_after_ms, Some(30 * MINUTE - 1));
        assert_eq!(revoke_user(store, "u"), 2);
        assert_eq!(revoke_user(store, "u"), 0);
        // 4 ms after the first of them ended.
        clock.advance_ms(HORIZON - 5);
        for id in ["s0", "s4999", "s77", "a2"] {
            assert_eq!(admit(store, "u", id, without_limit()).reason, Reason::SessionEnded);
        }
        // A server forgets up to two hours later, and a slice of it at each call.
        clock.advance_ms(3 * HOUR);
        for _ in 0..40 {
            touch(store, "u", "nobody");
        }
        assert_nothing_left(store, clock);
        assert_eq!(admit(store, "u", "s0", without_limit()).reason, Reason::Allowed);
    });
}

#[test]
fn no_user_has_more_sessions_than_the_hard_limit_whatever_the_limit_says() {
    on_every_store(|store, clock| {
        let hard = |limit, on_limit| AdmissionRule { hard_limit: 3, ..rule(limit, on_limit) };
        for limit in [None, Some(9)] {
            let user = if limit.is_none() { "none" } else { "nine" };
            for id in ["a", "b", "c"] {
                clock.advance_ms(1);
                let admitted = admit(store, user, id, hard(limit, OnLimit::Reject));
                assert_eq!((admitted.reason, admitted.limit), (Reason::Allowed, limit));
            }
            let refused = admit(store, user, "d", hard(limit, OnLimit::Reject));
            assert_eq!((refused.reason, refused.active), (Reason::SessionLimit, 3));
            assert!(refused.retry_after_ms.is_some());
            let first = Decide {
                rule: hard(limit, OnLimit::Reject),
                ..request(user, "d", START_MS, SessionCheck::FirstUse)
            };
            assert_eq!(decide(store, first).reason, Reason::SessionLimit);
            let evicted = admit(store, user, "e", hard(limit, OnLimit::EvictOldest)).evicted;
            assert_eq!(evicted.into_iter().map(|s| s.id).collect::<Vec<_>>(), ["a"]);
        }
    });
}

#[test]
fn a_list_of_hundreds_comes_in_pages_and_holds_each_session_once() {
    on_every_store(|store, clock| {
        for n in 0..450 {
            // Some share an instant, which must not let one of them fall between two pages.
            clock.advance_ms(u64::from(n % 3 == 0));
            admit(store, "u", &format!("s{n}"), without_limit());
        }
        let mut listed = ids(store, "u");
        listed.sort();
        let mut all: Vec<String> = (0..450).map(|n| format!("s{n}")).collect();
        all.sort();
        assert_eq!(listed, all);
    });
}

#[test]
fn when_a_slot_is_free_is_told_exactly_though_sessions_were_touched_since() {
    on_every_store(|store, clock| {
        for n in 0..50 {
            admit(store, "u", &format!("s{n}"), reject(50));
            clock.advance_ms(10);
        }
        for n in (0..50).filter(|n| *n != 31) {
            assert!(touch(store, "u", &format!("s{n}")).is_some());
        }
        let refused = admit(store, "u", "new", reject(50));
        assert_eq!(refused.retry_after_ms, Some(30 * MINUTE - 190));
    });
}

#[test]
fn hundreds_of_api_keys_of_one_owner_are_listed_whole() {
    on_every_store(|store, _| {
        let made: Vec<String> =
            (0..450).map(|n| format!("{:04x}{n:016x}", bucket("ada"))).collect();
        for id in &made {
            let place = KeyPlace { id: id.clone(), owner: "ada".into() };
            assert!(keys::create(store, &place, KeyPatch::default()));
        }
        assert_eq!(keys::ids(store, "ada"), made);
    });
}

/// A decision about a foreign token, by an Auth that accepts an `iat` of up to 90 s ahead.
fn decide_ahead(store: &dyn Store, user: &str, issuer: &str, iat_ms: u64) -> Decision {
    let asked = Decide { issuer: issuer.into(), ..request(user, "s", iat_ms, SessionCheck::Skip) };
    let op = Op { act: Act::Decide(asked), horizon_ms: HORIZON, most_lead_ms: 90_000 };
    match call_as(store, op) {
        Answer::Decision(decision) => decision,
        other => panic!("not a decision: {other:?}"),
    }
}

fn revoke_observed(store: &dyn Store, user: &str, issuer: &str) {
    let lead = Lead::Observed { issuer: issuer.into() };
    count(store, Act::RevokeUser { user: user.into(), keys: false, lead });
}

#[test]
fn a_token_that_a_fast_clock_has_stamped_falls_though_nobody_has_used_it() {
    on_every_store(|store, clock| {
        // The issuer's clock is 2 s fast, which a token of somebody else shows.
        assert_eq!(decide_ahead(store, "v", "", START_MS + 2_000).reason, Reason::Allowed);
        clock.advance_ms(5_300);
        let minted = START_MS + 5_000 + 2_000;
        revoke_observed(store, "u", "");
        assert_eq!(decide_ahead(store, "u", "", minted).reason, Reason::UserRevoked);
        // What the issuer mints in the next second, after "log out everywhere", stands.
        clock.advance_ms(1_000);
        assert_eq!(decide_ahead(store, "u", "", minted + 2_000).reason, Reason::Allowed);
    });
}

#[test]
fn a_token_of_the_next_second_stands_whatever_the_tolerance_where_no_clock_leads() {
    on_every_store(|store, clock| {
        clock.advance_ms(400);
        revoke_observed(store, "u", "");
        assert_eq!(decide_ahead(store, "u", "", START_MS).reason, Reason::UserRevoked);
        clock.advance_ms(1_000);
        assert_eq!(decide_ahead(store, "u", "", START_MS + 1_000).reason, Reason::Allowed);
    });
}

#[test]
fn the_lead_of_one_issuer_says_nothing_of_another() {
    on_every_store(|store, clock| {
        assert_eq!(
            decide_ahead(store, "v", "https://b", START_MS + 30_000).reason,
            Reason::Allowed
        );
        revoke_observed(store, "u", "");
        revoke_observed(store, "https://b u", "https://b");
        clock.advance_ms(1_000);
        let iat = START_MS + 1_000;
        assert_eq!(decide_ahead(store, "u", "", iat).reason, Reason::Allowed);
        let other = decide_ahead(store, "https://b u", "https://b", iat);
        assert_eq!(other.reason, Reason::UserRevoked);
    });
}

#[test]
fn a_lead_counts_up_to_what_is_accepted_and_for_a_day() {
    on_every_store(|store, clock| {
        // A store whose clock lags by far: no token that is accepted can be of later than that.
        assert_eq!(decide_ahead(store, "v", "", START_MS + HOUR).reason, Reason::Allowed);
        revoke_observed(store, "u", "");
        assert_eq!(decide_ahead(store, "u", "", START_MS + 90_999).reason, Reason::UserRevoked);
        assert_eq!(decide_ahead(store, "u", "", START_MS + 91_000).reason, Reason::Allowed);
        clock.advance_ms(2 * PERIOD_MS);
        revoke_observed(store, "u", "");
        let next = START_MS + 2 * PERIOD_MS + 1_000;
        assert_eq!(decide_ahead(store, "u", "", next).reason, Reason::Allowed);
        clock.advance_ms(HORIZON + PERIOD_MS);
        assert_nothing_left(store, clock);
    });
}
