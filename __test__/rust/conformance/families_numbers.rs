//! Numbers of refresh tokens: an authentic number below the live token's is a spent token, however much has been rotated
//! since. What a process remembers of a family counts only where the family says the same.

use super::on_every_store;
use super::support::families::*;
use super::support::{HOUR, MINUTE, START_MS, ids, list, reject};
use latchgate::core::family_op::{FamilyKey, LoginAnswer, RefreshAnswer};
use latchgate::core::op::AdmissionRule;
use latchgate::core::store::Store;

const OTHER: [u8; 16] = [2; 16];

/// The hash of the token with this number.
fn hash(number: u64) -> [u8; 32] {
    let mut digest = [7; 32];
    digest[..8].copy_from_slice(&number.to_be_bytes());
    digest
}

/// The token with this number, and hash, is used; its successor has the next number.
fn use_number(store: &dyn Store, number: u64, digest: [u8; 32], grace_ms: u64) -> RefreshAnswer {
    let mut asked = refresh_of("u", FAMILY, 0, 0);
    asked.token = token_of("u", FAMILY, number, digest);
    (asked.next, asked.grace_ms) = (hash(number + 1), grace_ms);
    refresh_as(store, asked)
}

/// User `u` in session `s`, with the token of this number; `true`: under a request id, that of the same login.
fn log_in_at(store: &dyn Store, number: u64, again: bool) -> LoginAnswer {
    let mut login = asked("u", "s", reject(3), FAMILY, 1);
    (login.family.number, login.family.digest) = (number, hash(number));
    login.request = again.then_some([5; 16]);
    try_log_in(store, login).unwrap()
}

fn rotate(store: &dyn Store, from: u64, count: u64, grace_ms: u64) {
    for number in from..from + count {
        granted(use_number(store, number, hash(number), grace_ms));
    }
}

#[test]
fn a_spent_token_ends_its_session_however_often_it_was_rotated_since() {
    on_every_store(|store, _| {
        log_in_at(store, 1, false);
        // All of it within one millisecond. Ten thousands of times: __test__/stale.middleware.spec.js.
        rotate(store, 1, 700, 0);
        assert_eq!(ids(store, "u"), ["s"]);
        assert_eq!(use_number(store, 1, hash(1), 0), RefreshAnswer::Reused("s".into()));
        assert!(ids(store, "u").is_empty());
        assert_eq!(use_number(store, 701, hash(701), 0), RefreshAnswer::Revoked);
    });
}

#[test]
fn the_youngest_of_tokens_spent_in_one_millisecond_is_told_as_reused_too() {
    on_every_store(|store, _| {
        log_in_at(store, 1, false);
        rotate(store, 1, 300, 0);
        assert_eq!(use_number(store, 300, hash(300), 0), RefreshAnswer::Reused("s".into()));
    });
}

#[test]
fn a_spent_token_is_reused_after_its_own_time_too_while_the_session_lives() {
    on_every_store(|store, clock| {
        let rule = AdmissionRule { idle_ms: 5 * HOUR, absolute_ms: 9 * HOUR, ..reject(3) };
        let mut login = asked("u", "s", rule, FAMILY, 1);
        login.family.ttl_ms = HOUR;
        log_in_as(store, login);
        granted(refresh(store, 1, 2));
        clock.advance_ms(4 * HOUR);
        assert_eq!(refresh(store, 2, 3), RefreshAnswer::Expired);
        assert_eq!(ids(store, "u"), ["s"]);
        assert_eq!(refresh(store, 1, 3), RefreshAnswer::Reused("s".into()));
        assert!(ids(store, "u").is_empty());
    });
}

#[test]
fn a_number_that_is_not_below_the_live_one_is_unknown_and_changes_nothing() {
    on_every_store(|store, clock| {
        log_in_at(store, 1, false);
        rotate(store, 1, 4, GRACE);
        clock.advance_ms(MINUTE);
        let (before, sessions) = (store.dump(), list(store, "u"));
        for number in [5, 6, 7, 300, (1 << 48) - 2] {
            assert_eq!(use_number(store, number, [9; 32], GRACE), RefreshAnswer::Invalid);
            let token = token_of("u", FAMILY, number, [9; 32]);
            assert_eq!(logout_as(store, token), Some(false));
        }
        assert_eq!(list(store, "u"), sessions);
        if clock.embedded {
            assert_eq!(store.dump(), before);
        }
        granted(use_number(store, 5, hash(5), GRACE));
    });
}

#[test]
fn only_the_very_token_that_was_spent_is_led_on_within_the_grace_window() {
    on_every_store(|store, _| {
        log_in_at(store, 1, false);
        rotate(store, 1, 3, GRACE);
        assert_eq!(granted(use_number(store, 2, hash(2), GRACE)).sealed.len(), 2);
        // Authentic, with the number of a spent token, and another than that one.
        assert_eq!(use_number(store, 2, [9; 32], GRACE), RefreshAnswer::Reused("s".into()));
    });
}

#[test]
fn any_spent_token_logs_out_however_old_it_is() {
    on_every_store(|store, clock| {
        log_in_at(store, 1, false);
        rotate(store, 1, 300, 0);
        clock.advance_ms(MINUTE);
        assert_eq!(logout_as(store, token_of("u", FAMILY, 1, hash(1))), Some(true));
        assert!(ids(store, "u").is_empty());
    });
}

#[test]
fn a_family_is_unknown_under_another_user_or_another_key_than_its_own() {
    on_every_store(|store, clock| {
        log_in(store);
        granted(refresh(store, 1, 2));
        clock.advance_ms(GRACE);
        let (before, sessions) = (store.dump(), list(store, "u"));
        let strange = FamilyKey([8; 32]);
        // The live token, and a spent one that would end the session.
        for (presented, next) in [(2, 3), (1, 3)] {
            let asked = || refresh_of("u", FAMILY, presented, next);
            let mut of_another = asked();
            of_another.token.key = strange;
            assert_eq!(try_refresh(store, of_another), None);
            let mut elsewhere = asked();
            elsewhere.token.family = OTHER;
            assert_eq!(try_refresh(store, elsewhere), None);
            let mut token = asked().token;
            token.key = strange;
            assert_eq!(logout_as(store, token), None);
            for user in ["v", "w"] {
                let asked = refresh_of(user, FAMILY, presented, next);
                let token = asked.token.clone();
                assert_eq!(try_refresh(store, asked), None);
                assert_eq!(logout_as(store, token), None);
            }
        }
        assert_eq!(list(store, "u"), sessions);
        if clock.embedded {
            assert_eq!(store.dump(), before);
        }
        granted(refresh(store, 2, 3));
    });
}

#[test]
fn a_family_is_unknown_to_another_user_of_its_bucket_too() {
    on_every_store(|store, _| {
        let other = super::support::bucket_mate("u");
        log_in(store);
        let asked = refresh_of(&other, FAMILY, 1, 2);
        let token = asked.token.clone();
        assert_eq!(try_refresh(store, asked), None);
        assert_eq!(logout_as(store, token), None);
        granted(refresh(store, 1, 2));
    });
}

#[test]
fn a_login_that_is_retried_takes_the_family_s_key_and_a_number_above_the_live_one() {
    on_every_store(|store, clock| {
        log_in_at(store, 1, true);
        rotate(store, 1, 3, GRACE);
        clock.advance_ms(MINUTE);
        let (before, sessions) = (store.dump(), list(store, "u"));
        for number in [1, 3, 4] {
            assert_eq!(log_in_at(store, number, true), LoginAnswer::Elsewhere(Some(FAMILY)));
        }
        let mut strange = asked("u", "s", reject(3), FAMILY, 9);
        (strange.request, strange.family.key) = (Some([5; 16]), FamilyKey([8; 32]));
        assert_eq!(try_log_in(store, strange), Ok(LoginAnswer::Elsewhere(Some(FAMILY))));
        assert_eq!(list(store, "u"), sessions);
        if clock.embedded {
            assert_eq!(store.dump(), before);
        }
        assert_eq!(known(store).unwrap().number, 4);
        // It may skip numbers.
        assert!(matches!(log_in_at(store, 4 + 257, true), LoginAnswer::Admitted(..)));
        assert_eq!(known(store).unwrap().number, 4 + 257);
        assert_eq!(use_number(store, 4, hash(4), GRACE), RefreshAnswer::Invalid);
        rotate(store, 261, 2, GRACE);
        assert_eq!(granted(use_number(store, 261, hash(261), GRACE)).sealed.len(), 2);
        assert_eq!(use_number(store, 4, hash(4), GRACE), RefreshAnswer::Invalid);
        clock.advance_ms(GRACE);
        // Of the numbers that were skipped no token was made: whoever had one would hold the family's key.
        assert_eq!(use_number(store, 4, hash(4), GRACE), RefreshAnswer::Reused("s".into()));
    });
}

#[test]
fn after_a_login_that_skips_whole_rounds_the_last_256_spent_tokens_still_lead_on() {
    on_every_store(|store, _| {
        log_in_at(store, 1, true);
        rotate(store, 1, 9, GRACE);
        let first = 10 + 1 + 15 * 256;
        assert!(matches!(log_in_at(store, first, true), LoginAnswer::Admitted(..)));
        rotate(store, first, 250, GRACE);
        assert_eq!(granted(use_number(store, first, hash(first), GRACE)).sealed.len(), 250);
        for number in 5..=10 {
            assert_eq!(use_number(store, number, hash(number), GRACE), RefreshAnswer::Invalid);
        }
        assert_eq!(ids(store, "u"), ["s"]);
        assert_eq!(use_number(store, 4, hash(4), GRACE), RefreshAnswer::Reused("s".into()));
    });
}

#[test]
fn the_time_of_a_token_is_counted_from_its_own_issue() {
    on_every_store(|store, clock| {
        let mut login = asked("u", "s", reject(3), FAMILY, 1);
        login.family.ttl_ms = 5_000;
        assert_eq!(log_in_as(store, login).1.expires_ms, START_MS + 5_000);
        clock.advance_ms(4_000);
        assert_eq!(granted(refresh(store, 1, 2)).drawn.expires_ms, START_MS + 9_000);
    });
}
