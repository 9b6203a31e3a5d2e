//! How families end: with their session, by whatever ends it, and how that is told.

use super::support::families::*;
use super::support::{HOUR, MINUTE, START_MS, admit, end, evict, ids, reject, touch};
use super::support::{block_user, list, revoke_user};
use super::{assert_nothing_left, on_every_store, sweep};
use latchgate::core::family::ops::{LoginAnswer, RefreshAnswer};
use latchgate::core::op::Act;
use latchgate::core::session::rule::{AdmissionRule, OnLimit};

const OTHER: [u8; 16] = [2; 16];

#[test]
fn whatever_ends_the_session_ends_its_tokens_in_the_same_step() {
    on_every_store(|store, clock| {
        type Ending = (&'static str, fn(&dyn latchgate::core::store::Store));
        let endings: [Ending; 6] = [
            ("ended", |store| assert!(end(store, "u", "s"))),
            ("all ended", |store| {
                super::support::count(store, Act::EndAll { user: "u".into(), except: None });
            }),
            ("revoked", |store| assert_eq!(revoke_user(store, "u"), 1)),
            ("evicted", |store| {
                assert_eq!(admit(store, "u", "newer", evict(1)).evicted.len(), 1);
            }),
            ("logged out", |store| assert!(logout(store, 2))),
            ("blocked", |store| block_user(store, "u", None)),
        ];
        for (how, finish) in endings {
            log_in(store);
            granted(refresh(store, 1, 2));
            finish(store);
            for token in [1, 2] {
                assert_eq!(refresh(store, token, 3), RefreshAnswer::Revoked, "{how}");
            }
            assert!(!logout(store, 2), "{how}");
            // A user who is not blocked any more gets nothing back.
            super::support::flag(store, Act::UnblockUser { user: "u".into() });
            assert_eq!(refresh(store, 2, 3), RefreshAnswer::Revoked, "{how}");
            clock.advance_ms(60 * HOUR);
            assert_eq!(refresh(store, 2, 3), RefreshAnswer::Invalid, "{how}");
        }
        sweep(store);
        assert_nothing_left(store, clock);
    });
}

#[test]
fn a_session_that_has_timed_out_is_told_as_expired_and_one_that_was_ended_is_not() {
    on_every_store(|store, clock| {
        log_in(store);
        log_in_as(store, asked("u", "t", reject(3), OTHER, 1));
        assert!(end(store, "u", "t"));
        clock.advance_ms(30 * MINUTE);
        let of = |family| refresh_as(store, refresh_of("u", family, 1, 2));
        assert_eq!(of(FAMILY), RefreshAnswer::Expired);
        assert_eq!(of(OTHER), RefreshAnswer::Revoked);
        // Also when others have looked at the record meanwhile, and to end it again changes nothing.
        assert!(list(store, "u").is_empty());
        assert!(!end(store, "u", "s"));
        clock.advance_ms(11 * HOUR);
        assert_eq!(of(FAMILY), RefreshAnswer::Expired);
        assert_eq!(of(OTHER), RefreshAnswer::Revoked);
        clock.advance_ms(HOUR);
        assert_eq!(of(FAMILY), RefreshAnswer::Expired);
        clock.advance_ms(2 * HOUR);
        assert_eq!(of(FAMILY), RefreshAnswer::Invalid);
    });
}

#[test]
fn a_refresh_token_outlives_neither_its_time_nor_its_session() {
    on_every_store(|store, clock| {
        let rule = AdmissionRule {
            hard_limit: 10_000,
            limit: None,
            on_limit: OnLimit::Reject,
            idle_ms: 2 * HOUR,
            absolute_ms: 3 * HOUR,
        };
        let mut login = asked("u", "s", rule, FAMILY, 1);
        login.family.ttl_ms = HOUR;
        assert_eq!(log_in_as(store, login).1.expires_ms, START_MS + HOUR);
        clock.advance_ms(HOUR - 1);
        let second = granted(refresh(store, 1, 2));
        assert_eq!(second.drawn.expires_ms, START_MS + 2 * HOUR - 1);
        // Spent in time, and brought again past it: the grace window is whole.
        clock.advance_ms(1);
        assert_eq!(granted(refresh(store, 1, 9)).sealed, [sealed(2)]);
        clock.advance_ms(GRACE - 2);
        assert_eq!(granted(refresh(store, 1, 9)).sealed, [sealed(2)]);
        clock.advance_ms(1 + HOUR - GRACE);
        assert_eq!(refresh(store, 2, 3), RefreshAnswer::Expired);
        assert_eq!(ids(store, "u"), ["s"], "the session lives by its access tokens");
        assert!(logout(store, 2), "an expired one still says whose session it is");

        let mut login = asked("u", "t", rule, OTHER, 1);
        login.family.ttl_ms = HOUR;
        log_in_as(store, login);
        for token in 1..=3 {
            clock.advance_ms(50 * MINUTE);
            granted(refresh_as(store, refresh_of("u", OTHER, token, token + 1)));
        }
        clock.advance_ms(29 * MINUTE);
        let last = granted(refresh_as(store, refresh_of("u", OTHER, 4, 5)));
        assert_eq!(last.drawn.expires_ms, START_MS + 5 * HOUR - 1, "the end of its session");
        clock.advance_ms(MINUTE);
        assert_eq!(refresh_as(store, refresh_of("u", OTHER, 5, 6)), RefreshAnswer::Expired);
    });
}

#[test]
fn a_token_that_led_to_one_past_its_time_is_expired_too() {
    on_every_store(|store, clock| {
        let mut login = asked("u", "s", reject(3), FAMILY, 1);
        login.family.ttl_ms = 5_000;
        log_in_as(store, login);
        granted(refresh(store, 1, 2));
        clock.advance_ms(4_999);
        assert_eq!(granted(refresh(store, 1, 3)).sealed, [sealed(2)]);
        granted(refresh(store, 2, 3));
        clock.advance_ms(5_000);
        assert_eq!(refresh(store, 3, 4), RefreshAnswer::Expired);
        assert_eq!(refresh(store, 2, 4), RefreshAnswer::Expired);
    });
}

#[test]
fn logout_takes_a_live_or_a_spent_token_and_is_done_once() {
    on_every_store(|store, clock| {
        admit(store, "u", "other", reject(3));
        log_in(store);
        granted(refresh(store, 1, 2));
        clock.advance_ms(GRACE);
        assert!(logout(store, 1));
        assert!(!logout(store, 1));
        assert!(!logout(store, 2));
        assert_eq!(ids(store, "u"), ["other"]);
        assert_eq!(refresh(store, 1, 3), RefreshAnswer::Revoked);
    });
}

#[test]
fn a_later_session_of_the_same_id_gives_an_earlier_family_nothing() {
    on_every_store(|store, clock| {
        let day = AdmissionRule { absolute_ms: 48 * HOUR, ..reject(3) };
        log_in_as(store, asked("u", "s", day, FAMILY, 1));
        assert!(end(store, "u", "s"));
        clock.advance_ms(48 * HOUR);
        if !clock.embedded {
            // A server forgets an hour later than it must: then the family is forgotten too.
            clock.advance_ms(2 * HOUR);
        }
        assert!(matches!(
            try_log_in(store, asked("u", "s", day, OTHER, 1)),
            Ok(LoginAnswer::Admitted(..))
        ));
        let answer = refresh(store, 1, 2);
        assert!(matches!(answer, RefreshAnswer::Expired | RefreshAnswer::Invalid), "{answer:?}");
        assert!(!logout(store, 1));
        assert!(touch(store, "u", "s").is_some());
        granted(refresh_as(store, refresh_of("u", OTHER, 1, 2)));
    });
}

#[test]
fn a_clock_that_is_set_back_cuts_no_chain() {
    on_every_store(|store, clock| {
        log_in(store);
        clock.advance_ms(MINUTE);
        granted(refresh(store, 1, 2));
        clock.set_us((START_MS + MINUTE - 8_000) * 1000);
        granted(refresh(store, 2, 3));
        clock.set_us((START_MS + MINUTE + 5_000) * 1000);
        assert_eq!(granted(refresh(store, 1, 9)).sealed, [sealed(2), sealed(3)]);
        assert_eq!(ids(store, "u"), ["s"]);
    });
}
