//! Login and rotation: one slot a request, one successor a token.

use super::support::families::*;
use super::support::{
    HOUR, MINUTE, START_MS, admit, evict, generation, ids, list, reject, request,
};
use super::support::{block_user, decide, end, touch};
use super::{assert_nothing_left, on_every_store, sweep};
use latchgate::core::base::error::FaultCode;
use latchgate::core::base::reason::Reason;
use latchgate::core::family::ops::{KnownFamily, LoginAnswer, RefreshAnswer, Serial};
use latchgate::core::request::request::SessionCheck;
use latchgate::core::session::rule::AdmissionRule;

const OTHER: [u8; 16] = [2; 16];

#[test]
fn a_login_admits_its_session_and_its_token_is_good_once() {
    on_every_store(|store, clock| {
        assert_eq!(known(store), None);
        let before = generation(store, "u");
        let (admission, drawn) = log_in(store);
        assert_eq!((admission.active, admission.existing), (1, false));
        assert_eq!(drawn.expires_ms, START_MS + 12 * HOUR);
        assert!(drawn.generation > before);
        let family = KnownFamily { user: "u".into(), key: key_of(FAMILY) };
        assert_eq!(known(store), Some(family));
        assert_eq!(known_in(store, 0, FAMILY), None);
        clock.advance_ms(MINUTE);
        let first = granted(refresh(store, 1, 2));
        assert_eq!((first.session.as_str(), first.sealed.len()), ("s", 0));
        assert_eq!(first.drawn.expires_ms, START_MS + 12 * HOUR);
        assert!(first.drawn.generation > drawn.generation);
        assert_eq!(granted(refresh(store, 2, 3)).sealed.len(), 0);
        clock.advance_ms(40 * HOUR);
        sweep(store);
        assert_nothing_left(store, clock);
    });
}

#[test]
fn all_who_use_a_token_within_the_grace_window_are_led_to_the_same_live_one() {
    on_every_store(|store, clock| {
        log_in(store);
        granted(refresh(store, 1, 2));
        // Each brings a candidate of its own, and none of those is ever good.
        for candidate in [12, 13] {
            assert_eq!(granted(refresh(store, 1, candidate)).sealed, [sealed(2)]);
            assert_eq!(refresh(store, candidate, 20), RefreshAnswer::Invalid);
        }
        clock.advance_ms(GRACE - 1);
        granted(refresh(store, 2, 3));
        granted(refresh(store, 3, 4));
        assert_eq!(granted(refresh(store, 1, 14)).sealed, [sealed(2), sealed(3), sealed(4)]);
        assert_eq!(granted(refresh(store, 3, 15)).sealed, [sealed(4)]);
        clock.advance_ms(GRACE - 1);
        assert_eq!(granted(refresh(store, 2, 16)).sealed, [sealed(3), sealed(4)]);
        assert_eq!(ids(store, "u"), ["s"]);
    });
}

#[test]
fn a_token_that_is_used_again_after_the_grace_window_ends_its_session() {
    on_every_store(|store, clock| {
        admit(store, "u", "other", reject(3));
        log_in(store);
        granted(refresh(store, 1, 2));
        clock.advance_ms(GRACE);
        assert_eq!(refresh(store, 1, 3), RefreshAnswer::Reused("s".into()));
        assert_eq!(ids(store, "u"), ["other"]);
        for token in [1, 2] {
            assert_eq!(refresh(store, token, 3), RefreshAnswer::Revoked);
        }
        assert_eq!(refresh(store, 3, 4), RefreshAnswer::Invalid);
        let again = try_log_in(store, asked("u", "s", reject(3), OTHER, 5)).unwrap();
        assert!(matches!(again, LoginAnswer::Refused(it) if it.reason == Reason::SessionEnded));
    });
}

#[test]
fn without_a_grace_window_the_second_use_is_a_theft() {
    on_every_store(|store, _| {
        log_in(store);
        let asked = |presented, next| {
            let mut asked = refresh_of("u", FAMILY, presented, next);
            asked.grace_ms = 0;
            refresh_as(store, asked)
        };
        granted(asked(1, 2));
        assert_eq!(asked(1, 3), RefreshAnswer::Reused("s".into()));
    });
}

#[test]
fn what_is_unknown_is_invalid_and_changes_nothing() {
    on_every_store(|store, clock| {
        assert_eq!(refresh(store, 1, 2), RefreshAnswer::Invalid);
        assert_eq!(store.dump(), "");
        log_in(store);
        let (before, sessions) = (store.dump(), list(store, "u"));
        clock.advance_ms(MINUTE);
        assert_eq!(refresh(store, 9, 2), RefreshAnswer::Invalid);
        assert_eq!(refresh_as(store, refresh_of("u", OTHER, 1, 2)), RefreshAnswer::Invalid);
        assert_eq!(refresh_as(store, refresh_of("v", FAMILY, 1, 2)), RefreshAnswer::Invalid);
        assert!(!logout(store, 9));
        assert_eq!(list(store, "u"), sessions);
        if clock.embedded {
            assert_eq!(store.dump(), before);
        }
        granted(refresh(store, 1, 2));
    });
}

#[test]
fn a_refresh_touches_the_session_and_brings_what_the_login_said() {
    on_every_store(|store, clock| {
        let mut login = asked("u", "s", reject(1), FAMILY, 1);
        login.family.claims = Some("{\"role\":\"é\"}".into());
        login.family.scope = Some("read write".into());
        login.admit.device = Some("{}".into());
        log_in_as(store, login);
        for token in 1..=3 {
            clock.advance_ms(29 * MINUTE);
            let granted = granted(refresh(store, token, token + 1));
            assert_eq!(granted.claims.as_deref(), Some("{\"role\":\"é\"}"));
            assert_eq!(granted.scope.as_deref(), Some("read write"));
        }
        clock.advance_ms(5_000);
        granted(refresh(store, 3, 9));
        let session = &list(store, "u")[0];
        assert_eq!(session.times.last_active_ms, START_MS + 87 * MINUTE + 5_000);
        assert_eq!(session.device.as_deref(), Some("{}"));
    });
}

#[test]
fn a_login_is_refused_as_an_admission_is_and_then_leaves_nothing() {
    on_every_store(|store, clock| {
        let refused = |rule: AdmissionRule| match try_log_in(
            store,
            asked("u", "s", rule, FAMILY, 1),
        )
        .unwrap()
        {
            LoginAnswer::Refused(admission) => admission,
            other => panic!("not refused: {other:?}"),
        };
        assert_eq!(refused(reject(0)).reason, Reason::SessionLimit);
        assert_eq!(store.dump(), "");
        admit(store, "u", "first", reject(1));
        let at_limit = refused(reject(1));
        assert_eq!((at_limit.reason, at_limit.active), (Reason::SessionLimit, 1));
        assert_eq!(at_limit.retry_after_ms, Some(30 * MINUTE));
        assert_eq!(known(store), None);
        clock.advance_ms(1);
        let (admission, _) = log_in_as(store, asked("u", "s", evict(1), FAMILY, 1));
        assert_eq!(admission.evicted[0].id, "first");
        block_user(store, "u", None);
        let mut login = asked("u", "s", reject(1), OTHER, 2);
        login.given = true;
        match try_log_in(store, login).unwrap() {
            LoginAnswer::Refused(admission) => assert_eq!(admission.reason, Reason::UserBlocked),
            other => panic!("not refused: {other:?}"),
        }
    });
}

#[test]
fn a_session_id_that_is_known_cannot_be_logged_in_to() {
    on_every_store(|store, clock| {
        admit(store, "u", "admitted", reject(9));
        admit(store, "u", "ended", reject(9));
        end(store, "u", "ended");
        decide(store, request("u", "by-use", START_MS, SessionCheck::FirstUse));
        log_in(store);
        let named = |session: &str, family| {
            let mut login = asked("u", session, reject(9), family, 7);
            login.given = true;
            try_log_in(store, login)
        };
        for session in ["admitted", "ended", "by-use", "s"] {
            let fault = named(session, OTHER).unwrap_err();
            assert_eq!(fault.code, FaultCode::Input, "{session}");
        }
        assert_eq!(ids(store, "u").len(), 3);
        assert!(matches!(named("new", OTHER), Ok(LoginAnswer::Admitted(..))));
        // Of one that has timed out too.
        clock.advance_ms(31 * MINUTE);
        assert_eq!(named("new", [3; 16]).unwrap_err().code, FaultCode::Input);
    });
}

#[test]
fn a_request_that_comes_again_has_one_slot_and_its_earlier_token_is_spent() {
    on_every_store(|store, clock| {
        let ask = |session: &str, family, token, given| {
            let mut login = asked("u", session, reject(2), family, token);
            (login.request, login.given) = (Some([5; 16]), given);
            login.family.branch = token.into();
            try_log_in(store, login)
        };
        let first = ask("s", FAMILY, 1, true);
        assert!(matches!(first, Ok(LoginAnswer::Admitted(it, _)) if !it.existing));
        clock.advance_ms(MINUTE);
        // Nothing is done before it is known which family the request has.
        let before = list(store, "u");
        assert_eq!(
            ask("s", OTHER, 2, true),
            Ok(LoginAnswer::Elsewhere(Some((FAMILY, key_of(FAMILY)))))
        );
        assert_eq!(
            ask("t", OTHER, 2, false),
            Ok(LoginAnswer::Elsewhere(Some((FAMILY, key_of(FAMILY)))))
        );
        assert_eq!(list(store, "u"), before);
        match ask("t", FAMILY, 2, true).unwrap() {
            LoginAnswer::Admitted(again, drawn) => {
                assert_eq!((again.existing, again.active, again.evicted.len()), (true, 1, 0));
                let session = again.session.unwrap();
                assert_eq!((session.id.as_str(), session.times.created_ms), ("s", START_MS));
                assert_eq!(session.times.last_active_ms, START_MS + MINUTE);
                assert_eq!(drawn.expires_ms, START_MS + 12 * HOUR);
            }
            other => panic!("not admitted: {other:?}"),
        }
        // Each is the first token of a branch.
        let use_of = |token: u8, next| {
            let mut asked = refresh_of("u", FAMILY, token, next);
            asked.token.serial = Serial::first_of(token.into());
            refresh_as(store, asked)
        };
        // Whoever holds the earlier token is told nothing, and nothing is held against anybody.
        assert_eq!(use_of(1, 9), RefreshAnswer::Invalid);
        granted(use_of(2, 3));
        assert_eq!(use_of(1, 9), RefreshAnswer::Invalid);
        clock.advance_ms(GRACE);
        assert_eq!(use_of(1, 9), RefreshAnswer::Reused("s".into()));
        assert_eq!(ids(store, "u").len(), 0);
    });
}

#[test]
fn a_request_whose_session_has_ended_logs_in_anew() {
    on_every_store(|store, clock| {
        let ask = |session: &str, family, token| {
            let mut login = asked("u", session, reject(2), family, token);
            login.request = Some([5; 16]);
            try_log_in(store, login).unwrap()
        };
        ask("s", FAMILY, 1);
        assert!(end(store, "u", "s"));
        // Its family is of the session that has ended, and stays with it.
        assert_eq!(ask("t", FAMILY, 2), LoginAnswer::Elsewhere(None));
        assert!(matches!(ask("t", OTHER, 2), LoginAnswer::Admitted(it, _) if !it.existing));
        assert_eq!(ids(store, "u"), ["t"]);
        assert_eq!(refresh(store, 1, 3), RefreshAnswer::Revoked);
        granted(refresh_as(store, refresh_of("u", OTHER, 2, 3)));
        clock.advance_ms(31 * MINUTE);
        assert!(touch(store, "u", "t").is_none());
        assert!(matches!(ask("v", [3; 16], 4), LoginAnswer::Admitted(it, _) if !it.existing));
    });
}

#[test]
fn of_very_many_tokens_spent_at_once_the_last_ones_lead_on() {
    on_every_store(|store, clock| {
        let token = |n: u16| {
            let mut digest = [7; 32];
            digest[..2].copy_from_slice(&n.to_be_bytes());
            digest
        };
        let ask = |presented, next| {
            let mut asked = refresh_of("u", FAMILY, 0, 0);
            asked.token = token_of("u", FAMILY, u64::from(presented) + 1, token(presented));
            asked.next = token(next);
            refresh_as(store, asked)
        };
        let mut login = asked("u", "s", reject(1), FAMILY, 0);
        login.family.digest = token(0);
        log_in_as(store, login);
        for n in 0..300 {
            granted(ask(n, n + 1));
        }
        assert_eq!(granted(ask(299, 999)).sealed.len(), 1);
        assert_eq!(granted(ask(44, 999)).sealed.len(), 256);
        // Those of a later window are told all the same.
        clock.advance_ms(GRACE - 1);
        granted(ask(300, 301));
        assert_eq!(granted(ask(45, 999)).sealed.len(), 256);
        assert_eq!(ask(44, 999), RefreshAnswer::Reused("s".into()));
    });
}

#[test]
fn requests_of_two_users_never_meet() {
    on_every_store(|store, _| {
        for (user, family) in [("u", FAMILY), ("v", OTHER)] {
            let mut login = asked(user, "s", reject(2), family, 1);
            login.request = Some([5; 16]);
            assert!(
                matches!(try_log_in(store, login), Ok(LoginAnswer::Admitted(it, _)) if !it.existing)
            );
        }
        assert_eq!(refresh_as(store, refresh_of("u", OTHER, 1, 2)), RefreshAnswer::Invalid);
    });
}
