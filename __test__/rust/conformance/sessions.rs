//! Admission, limits, timeouts, order and what is left behind.

use super::support::*;
use super::{assert_nothing_left, on_every_store};
use latchgate::core::base::reason::Reason;
use latchgate::core::op::Act;
use latchgate::core::request::request::{Decide, SessionCheck};
use latchgate::core::session::rule::OnLimit;

#[test]
fn at_the_limit_a_newcomer_is_refused_and_nothing_changes() {
    on_every_store(|store, clock| {
        for id in ["a", "b", "c"] {
            assert_eq!(admit(store, "u", id, reject(3)).reason, Reason::Allowed);
            clock.advance_ms(1_000);
        }
        let before = store.dump();
        let refused = admit(store, "u", "d", reject(3));
        assert_eq!(
            (refused.reason, refused.active, refused.limit),
            (Reason::SessionLimit, 3, Some(3))
        );
        assert_eq!(
            refused.retry_after_ms,
            Some(30 * MINUTE - 3_000),
            "when 'a' has been idle for long"
        );
        assert_eq!(store.dump(), before);
        assert_eq!(ids(store, "u"), ["c", "b", "a"]);
    });
}

#[test]
fn a_limit_of_zero_admits_nobody_under_either_rule() {
    on_every_store(|store, _| {
        for rule in [reject(0), evict(0)] {
            let refused = admit(store, "u", "a", rule);
            assert_eq!((refused.reason, refused.retry_after_ms), (Reason::SessionLimit, None));
        }
        assert_eq!(store.dump(), "");
    });
}

#[test]
fn the_least_recently_active_make_room_and_never_come_back() {
    on_every_store(|store, clock| {
        for id in ["a", "b", "c"] {
            admit(store, "u", id, evict(3));
            // On the embedded store all in the same microsecond: the order alone tells.
            clock.advance_ms(u64::from(!clock.embedded));
        }
        assert!(touch(store, "u", "a").is_some());
        clock.advance_ms(u64::from(!clock.embedded));
        let admitted = admit(store, "u", "d", evict(3));
        assert_eq!(admitted.evicted.iter().map(|s| &*s.id).collect::<Vec<_>>(), ["b"]);
        assert_eq!(admitted.active, 3);
        assert_eq!(admit(store, "u", "b", evict(3)).reason, Reason::SessionEnded);
        clock.advance_ms(1);
        let lowered = admit(store, "u", "e", evict(1));
        assert_eq!(lowered.evicted.iter().map(|s| &*s.id).collect::<Vec<_>>(), ["c", "a", "d"]);
        assert_eq!(ids(store, "u"), ["e"]);
    });
}

#[test]
fn a_first_use_tells_who_made_room_for_it() {
    on_every_store(|store, clock| {
        let first = |id, rule| {
            clock.advance_ms(1);
            let request = request("u", id, START_MS, SessionCheck::FirstUse);
            decide(store, Decide { rule, ..request }).evicted
        };
        assert_eq!(first("a", evict(2)), [""; 0]);
        assert_eq!(first("b", evict(2)), [""; 0]);
        assert_eq!(first("b", evict(1)), [""; 0], "it is live already");
        assert_eq!(first("c", evict(2)), ["a"]);
        assert_eq!(first("d", reject(2)), [""; 0], "it is refused");
        assert_eq!(first("e", evict(1)), ["b", "c"]);
        assert_eq!(ids(store, "u"), ["e"]);
    });
}

#[test]
fn a_lowered_limit_ends_nobody_but_admits_nobody_either() {
    on_every_store(|store, _| {
        for id in ["a", "b", "c", "d", "e"] {
            admit(store, "u", id, reject(5));
        }
        let refused = admit(store, "u", "f", reject(2));
        assert_eq!((refused.reason, refused.active), (Reason::SessionLimit, 5));
        assert_eq!(admit(store, "u", "a", reject(2)).reason, Reason::Allowed, "it is live already");
        assert_eq!(ids(store, "u").len(), 5);
    });
}

#[test]
fn admitting_a_live_session_again_takes_no_second_slot() {
    on_every_store(|store, clock| {
        let first = admit(store, "u", "a", reject(1));
        clock.advance_ms(500);
        let again = admit(store, "u", "a", reject(1));
        assert!(!first.existing && again.existing);
        assert_eq!(again.active, 1);
        let (first, again) = (first.session.unwrap().times, again.session.unwrap().times);
        assert_eq!(first.created_ms, again.created_ms);
        assert_eq!(again.last_active_ms, START_MS + 500);
    });
}

#[test]
fn a_session_ends_when_idle_and_at_the_latest_when_old() {
    on_every_store(|store, clock| {
        admit(store, "u", "idle", reject(9));
        admit(store, "u", "busy", reject(9));
        clock.advance_ms(30 * MINUTE - 1);
        assert!(touch(store, "u", "busy").is_some());
        clock.advance_ms(1);
        assert_eq!(touch(store, "u", "idle"), None, "idle for 30 minutes");
        assert_eq!(ids(store, "u"), ["busy"]);
        for _ in 0..25 {
            clock.advance_ms(29 * MINUTE);
            touch(store, "u", "busy");
        }
        assert_eq!(list(store, "u"), [], "busy, but more than 12 hours old");
        assert_eq!(admit(store, "u", "busy", reject(9)).reason, Reason::SessionEnded);
    });
}

#[test]
fn an_ended_id_is_remembered_for_the_horizon_and_then_forgotten() {
    on_every_store(|store, clock| {
        admit(store, "u", "a", reject(3));
        assert!(end(store, "u", "a"));
        assert!(!end(store, "u", "a"), "a second time there is nothing to end");
        clock.advance_ms(HORIZON - 1);
        assert_eq!(admit(store, "u", "a", reject(3)).reason, Reason::SessionEnded);
        clock.advance_ms(1);
        assert_nothing_left(store, clock);
        assert_eq!(admit(store, "u", "a", reject(3)).reason, Reason::Allowed);
    });
}

#[test]
fn a_session_that_timed_out_is_remembered_from_its_end_however_late_that_is_noticed() {
    on_every_store(|store, clock| {
        admit(store, "u", "a", reject(3));
        clock.advance_ms(30 * MINUTE + HORIZON - 1);
        assert_eq!(admit(store, "u", "a", reject(3)).reason, Reason::SessionEnded);
        // A server forgets up to two hours later.
        clock.advance_ms(if clock.embedded { 1 } else { 3 * HOUR });
        assert_eq!(admit(store, "u", "a", reject(3)).reason, Reason::Allowed);
    });
}

#[test]
fn ending_somebody_elses_session_does_nothing() {
    on_every_store(|store, _| {
        admit(store, "u", "a", reject(3));
        assert!(!end(store, "v", "a"));
        assert_eq!(ids(store, "u"), ["a"]);
        assert_eq!(count(store, Act::EndAll { user: "u".into(), except: Some("a".into()) }), 0);
        admit(store, "u", "b", reject(3));
        assert_eq!(count(store, Act::EndAll { user: "u".into(), except: Some("a".into()) }), 1);
        assert_eq!(ids(store, "u"), ["a"]);
    });
}

#[test]
fn last_active_never_goes_back_though_the_clock_does() {
    on_every_store(|store, clock| {
        admit(store, "u", "a", reject(3));
        admit(store, "u", "b", reject(3));
        clock.set_us((START_MS - 14_000) * 1_000);
        let session = touch(store, "u", "a").unwrap();
        assert_eq!(session.times.last_active_ms, START_MS);
        if clock.embedded {
            assert_eq!(ids(store, "u"), ["a", "b"], "the order is that of the touches");
        }
    });
}

#[test]
fn a_session_is_admitted_by_first_use_and_touched_by_the_next() {
    on_every_store(|store, clock| {
        let first = decide(store, request("u", "a", START_MS, SessionCheck::FirstUse));
        assert!(first.admitted);
        clock.advance_ms(700);
        let mut again = request("u", "a", START_MS, SessionCheck::FirstUse);
        again.touch = false;
        let looked = decide(store, again).session.unwrap();
        assert_eq!(
            looked.times.last_active_ms, START_MS,
            "decided once already: not touched again"
        );
        let second = decide(store, request("u", "a", START_MS, SessionCheck::Explicit));
        let view = second.session.unwrap();
        assert!(!second.admitted);
        assert_eq!((view.active, view.limit), (1, Some(3)));
        assert_eq!(
            (view.previous_active_ms, view.times.last_active_ms),
            (START_MS, START_MS + 700)
        );
    });
}

#[test]
fn ids_that_look_alike_share_nothing() {
    on_every_store(|store, _| {
        let users = ["a:b", "a", "{a}", "{a}b", "é", "e\u{301}", "a\0", "a\0b", "*"];
        for user in users {
            assert_eq!(
                admit(store, user, "s", rule(Some(1), OnLimit::Reject)).active,
                1,
                "{user:?}"
            );
        }
        revoke_user(store, "a");
        for user in &users[2..] {
            assert_eq!(ids(store, user), ["s"]);
        }
    });
}

#[test]
fn a_user_of_whom_nothing_is_left_leaves_nothing_behind() {
    on_every_store(|store, clock| {
        for n in 0..200 {
            let user = format!("u{n}");
            admit(store, &user, "s", reject(3));
            generation(store, &user);
            end(store, &user, "s");
        }
        clock.advance_ms(HORIZON + HOUR);
        for _ in 0..2_000 {
            store.sweep();
        }
        assert_nothing_left(store, clock);
    });
}
