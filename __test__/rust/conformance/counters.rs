//! Counters: exact within their bounds, several at once or none, once under a key, and only while a credential stands.

use super::support::counting::*;
use super::support::*;
use super::{assert_nothing_left, on_every_store};
use latchgate::core::base::error::FaultCode;
use latchgate::core::base::reason::Reason;
use latchgate::core::counter::counter::{Apply, Change, MOST};
use latchgate::core::op::Act;
use latchgate::core::request::credential::Credential;
use latchgate::core::request::request::SessionCheck;
use latchgate::core::store::Store;

#[test]
fn a_value_stays_within_its_bounds_or_as_it_is() {
    on_every_store(|store, _| {
        assert_eq!(value(store, "u", "c"), 0);
        assert_eq!(store.dump(), "", "a look leaves nothing");
        assert_eq!(add(store, "u", bounded("c", 7, 0, 10)), (true, 7));
        let before = store.dump();
        assert_eq!(add(store, "u", bounded("c", 4, 0, 10)), (false, 7));
        assert_eq!(add(store, "u", bounded("c", -8, 0, 10)), (false, 7));
        assert_eq!(add(store, "u", bounded("c", 0, 0, 6)), (false, 7), "the value decides");
        assert_eq!(store.dump(), before);
        assert_eq!(add(store, "u", bounded("c", 3, 0, 10)), (true, 10));
        assert_eq!(add(store, "u", bounded("c", -15, -5, -5)), (true, -5));
        assert_eq!(
            add(store, "u", bounded("c", 1, 0, 10)),
            (false, -5),
            "from outside, not to within"
        );
        assert_eq!(add(store, "u", bounded("c", 6, 0, 10)), (true, 1), "from outside to within");
        assert_eq!(value(store, "u", "d"), 0, "names are apart");
        assert_eq!(value(store, "v", "c"), 0, "and users");
    });
}

#[test]
fn the_largest_integers_neither_wrap_nor_round() {
    on_every_store(|store, _| {
        for sign in [1, -1] {
            let name = if sign > 0 { "up" } else { "down" };
            let add = |delta: i64| add(store, "u", change(name, sign * delta));
            assert_eq!(add(MOST), (true, sign * MOST));
            assert_eq!(add(1), (false, sign * MOST));
            assert_eq!(add(MOST), (false, sign * MOST));
            assert_eq!(add(-1), (true, sign * (MOST - 1)));
            assert_eq!(add(2), (false, sign * (MOST - 1)));
            assert_eq!(add(1), (true, sign * MOST));
            assert_eq!(add(-MOST), (true, 0));
            assert_eq!(add(-MOST), (true, -sign * MOST));
            assert_eq!(add(MOST), (true, 0));
        }
        assert_eq!(store.dump(), "");
    });
}

#[test]
fn of_several_changes_all_are_made_or_none() {
    on_every_store(|store, _| {
        let both = |from: i64, to: i64| {
            apply(store, changes("u", &[bounded("a", from, 0, 5), bounded("b", to, 0, 5)]))
        };
        assert_eq!(both(3, 5).values, [3, 5]);
        let before = store.dump();
        let refused = both(1, 1);
        assert_eq!((refused.applied, refused.values), (false, vec![3, 5]));
        let refused = both(-4, -1);
        assert_eq!((refused.applied, refused.values), (false, vec![3, 5]));
        assert_eq!(store.dump(), before);
        assert_eq!(both(-3, -4).values, [0, 1]);
        assert_eq!(both(0, 0).values, [0, 1]);
        assert_eq!(both(0, -1).values, [0, 0]);
        assert_eq!(store.dump(), "", "a counter at 0 is not kept");
        let names: Vec<String> = (0..64).map(|n| format!("{n}")).collect();
        let many: Vec<_> = names.iter().map(|name| change(name, 1)).collect();
        assert_eq!(apply(store, changes("u", &many)).values, [1; 64]);
        assert_eq!(apply(store, changes("u", &many)).values, [2; 64]);
    });
}

#[test]
fn names_and_users_of_any_text_are_apart() {
    on_every_store(|store, _| {
        let odd = ["a", "A", "a\0", "{a}", ".", "", "caf\u{e9}", "cafe\u{301}", "*", "1"];
        for (n, user) in odd.iter().enumerate() {
            for (m, name) in odd.iter().enumerate() {
                let delta = i64::try_from(n * 100 + m + 1).unwrap();
                assert_eq!(add(store, user, change(name, delta)), (true, delta));
            }
        }
        assert_eq!(value(store, "{a}", "."), 305);
    });
}

#[test]
fn the_same_key_acts_once_and_is_answered_the_same_again() {
    on_every_store(|store, clock| {
        let ask = |key, question, delta| {
            let change = [bounded("c", delta, 0, 10)];
            Apply { once: once_under(key, question), ..changes("u", &change) }
        };
        let first = apply(store, ask(1, 1, 6));
        assert_eq!((first.applied, first.replayed, first.values), (true, false, vec![6]));
        assert_eq!(add(store, "u", change("c", 1)), (true, 7));
        let before = store.dump();
        let again = apply(store, ask(1, 1, 6));
        assert_eq!((again.applied, again.replayed, again.values), (true, true, vec![6]));
        assert_eq!(refused(store, ask(1, 2, 5)), FaultCode::Input);
        let denied = apply(store, ask(2, 2, 6));
        assert_eq!((denied.applied, denied.values), (false, vec![7]));
        let look = apply(store, ask(2, 3, 0));
        assert_eq!((look.applied, look.values), (true, vec![7]), "a refusal is not remembered");
        assert_eq!(store.dump(), before, "nor is a look");
        assert_eq!(apply(store, ask(2, 2, -6)).values, [1]);
        clock.advance_ms(24 * HOUR - 1);
        assert!(apply(store, ask(1, 1, 6)).replayed);
        clock.advance_ms(1);
        let anew = apply(store, ask(1, 1, 6));
        assert_eq!((anew.replayed, anew.values), (false, vec![7]));
        assert_eq!(add(store, "u", change("c", -7)), (true, 0));
        clock.advance_ms(24 * HOUR);
        assert_nothing_left(store, clock);
    });
}

/// A change of one, with a credential.
fn with<'a>(credential: Credential<'a>) -> Apply<'a> {
    let name = "c";
    Apply { credential: Some(credential), ..changes("u", &[change(name, 1)]) }
}

fn admit_by_use(store: &dyn Store, session: &str) {
    let request = request("u", session, START_MS, SessionCheck::FirstUse);
    assert_eq!(decide(store, request).reason, Reason::Allowed);
}

#[test]
fn a_change_is_made_while_its_credential_stands_and_touches_no_session() {
    on_every_store(|store, clock| {
        admit_by_use(store, "s");
        let sessions = list(store, "u");
        clock.advance_ms(MINUTE);
        for check in [SessionCheck::Skip, SessionCheck::Explicit, SessionCheck::FirstUse] {
            apply(store, with(credential("s", START_MS, check)));
        }
        assert_eq!(value(store, "u", "c"), 3);
        assert_eq!(list(store, "u"), sessions);
        assert_eq!(
            apply(store, with(credential("other", START_MS, SessionCheck::Skip))).values,
            [4]
        );
    });
}

#[test]
fn nothing_is_changed_once_the_credential_has_fallen() {
    type Fell = (&'static str, fn(&dyn Store));
    let falls: [Fell; 5] = [
        ("by its id", |store| {
            let until_ms = START_MS + HOUR;
            let token = b"js".as_slice().into();
            flag(store, Act::RevokeToken { user: "u".into(), token, until_ms });
        }),
        ("with all of the user's", |store| {
            revoke_user(store, "u");
        }),
        ("by a block", |store| {
            count(store, Act::BlockUser { user: "u".into(), until_ms: None, lead: NO_LEAD });
        }),
        ("its session ended", |store| {
            end(store, "u", "s");
        }),
        ("its session evicted", |store| {
            admit(store, "u", "t", evict(1));
        }),
    ];
    for (what, fall) in falls {
        on_every_store(|store, _| {
            admit_by_use(store, "s");
            let ask = || with(credential("s", START_MS, SessionCheck::Explicit));
            let keyed = || Apply { once: once_under(1, 1), ..ask() };
            assert!(apply(store, keyed()).applied, "{what}");
            fall(store);
            let before = store.dump();
            assert_eq!(refused(store, ask()), FaultCode::Revoked, "{what}");
            assert_eq!(refused(store, keyed()), FaultCode::Revoked, "{what}, though remembered");
            assert_eq!(store.dump(), before, "{what}");
            assert_eq!(value(store, "u", "c"), 1, "{what}");
        });
    }
}

#[test]
fn nothing_is_changed_for_a_session_that_has_timed_out_or_never_was() {
    on_every_store(|store, clock| {
        let ask = |session, check| with(credential(session, START_MS, check));
        for check in [SessionCheck::Explicit, SessionCheck::FirstUse] {
            assert_eq!(refused(store, ask("never", check)), FaultCode::Revoked);
        }
        assert_eq!(store.dump(), "");
        admit_by_use(store, "s");
        clock.advance_ms(30 * MINUTE - 1);
        assert!(apply(store, ask("s", SessionCheck::Explicit)).applied);
        clock.advance_ms(1);
        assert_eq!(refused(store, ask("s", SessionCheck::Explicit)), FaultCode::Revoked);
        assert!(apply(store, ask("s", SessionCheck::Skip)).applied);
    });
}

#[test]
fn twenty_thousand_counters_set_and_zeroed_leave_nothing() {
    on_every_store(|store, _| {
        for delta in [1, -1] {
            let acts = (0..400).map(|block| {
                let all = (0..50).map(|n| Change {
                    name: format!("{}", block * 50 + n).into(),
                    ..change("", delta)
                });
                Act::Apply(
                    changes(&format!("u{}", block % 40), &all.collect::<Vec<_>>()).into_owned(),
                )
            });
            assert_eq!(call_all(store, acts).len(), 400);
        }
        assert!(store.dump().is_empty());
    });
}
