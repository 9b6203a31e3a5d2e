//! Serials of refresh tokens: an authentic number below the live token's, or another branch, is a spent token, however much has been rotated
//! since. What a process remembers of a family counts only where the family says the same.

use super::on_every_store;
use super::support::families::*;
use super::support::{HOUR, MINUTE, START_MS, ids, list, reject};
use latchgate::core::family::ops::{FamilyKey, LoginAnswer, RefreshAnswer};
use latchgate::core::session::rule::AdmissionRule;
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

/// User `u` in session `s`.
fn log_in_numbered(store: &dyn Store) {
    let mut login = asked("u", "s", reject(3), FAMILY, 1);
    login.family.digest = hash(1);
    log_in_as(store, login);
}

fn rotate(store: &dyn Store, from: u64, count: u64, grace_ms: u64) {
    for number in from..from + count {
        granted(use_number(store, number, hash(number), grace_ms));
    }
}

#[test]
fn a_spent_token_ends_its_session_however_often_it_was_rotated_since() {
    on_every_store(|store, _| {
        log_in_numbered(store);
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
        log_in_numbered(store);
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
        log_in_numbered(store);
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
        log_in_numbered(store);
        rotate(store, 1, 3, GRACE);
        assert_eq!(granted(use_number(store, 2, hash(2), GRACE)).sealed.len(), 2);
        // Authentic, with the number of a spent token, and another than that one.
        assert_eq!(use_number(store, 2, [9; 32], GRACE), RefreshAnswer::Reused("s".into()));
    });
}

#[test]
fn any_spent_token_logs_out_however_old_it_is() {
    on_every_store(|store, clock| {
        log_in_numbered(store);
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

/// A login under a request id, with the first token of this branch.
fn log_in_to(store: &dyn Store, branch: u64, key: FamilyKey) -> LoginAnswer {
    let mut login = asked("u", "s", reject(3), FAMILY, 1);
    (login.family.branch, login.family.key) = (branch, key);
    (login.family.digest, login.request) = (hash(branch << 32 | 1), Some([5; 16]));
    try_log_in(store, login).unwrap()
}

/// The token of this branch and number is used; its successor has the next number.
fn use_in(store: &dyn Store, branch: u64, number: u64) -> RefreshAnswer {
    let digest = |number| hash(branch << 32 | number);
    let mut asked = refresh_of("u", FAMILY, 0, 0);
    asked.token = token_of("u", FAMILY, number, digest(number));
    asked.token.serial.branch = branch;
    asked.next = digest(number + 1);
    refresh_as(store, asked)
}

#[test]
fn a_login_that_is_retried_needs_the_family_s_key_and_begins_a_branch() {
    on_every_store(|store, clock| {
        let key = key_of(FAMILY);
        assert!(matches!(log_in_to(store, 1, key), LoginAnswer::Admitted(..)));
        for number in 1..=3 {
            granted(use_in(store, 1, number));
        }
        clock.advance_ms(MINUTE);
        let (before, sessions) = (store.dump(), list(store, "u"));
        let elsewhere = LoginAnswer::Elsewhere(Some((FAMILY, key)));
        assert_eq!(log_in_to(store, 2, FamilyKey([8; 32])), elsewhere);
        assert_eq!(list(store, "u"), sessions);
        if clock.embedded {
            assert_eq!(store.dump(), before);
        }
        assert!(matches!(log_in_to(store, 2, key), LoginAnswer::Admitted(..)));
        // Tokens of the first branch are spent, the higher numbers too. Within the grace window of the login that is not
        // held against anybody.
        for number in [1, 4, 5] {
            assert_eq!(use_in(store, 1, number), RefreshAnswer::Invalid);
        }
        granted(use_in(store, 2, 1));
        granted(use_in(store, 2, 2));
        assert_eq!(granted(use_in(store, 2, 1)).sealed.len(), 2);
        assert_eq!(use_in(store, 1, 4), RefreshAnswer::Invalid);
        clock.advance_ms(GRACE - 1);
        granted(use_in(store, 2, 3));
        assert_eq!(use_in(store, 1, 4), RefreshAnswer::Invalid);
        clock.advance_ms(1);
        assert_eq!(use_in(store, 1, 4), RefreshAnswer::Reused("s".into()));
        assert!(ids(store, "u").is_empty());
    });
}

#[test]
fn of_logins_that_are_retried_the_last_one_has_the_live_token() {
    on_every_store(|store, clock| {
        for branch in 1..=50 {
            let answer = log_in_to(store, branch, key_of(FAMILY));
            assert!(matches!(answer, LoginAnswer::Admitted(it, _) if it.existing == (branch > 1)));
        }
        for branch in 1..50 {
            assert_eq!(use_in(store, branch, 1), RefreshAnswer::Invalid);
        }
        granted(use_in(store, 50, 1));
        clock.advance_ms(GRACE);
        granted(use_in(store, 50, 2));
        assert_eq!(use_in(store, 1, 1), RefreshAnswer::Reused("s".into()));
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
