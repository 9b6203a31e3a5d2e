//! Tokens by id, epochs, blocks, and what a denial leaves untouched.

use super::support::*;
use super::{assert_nothing_left, on_every_store};
use latchgate::core::base::reason::Reason;
use latchgate::core::op::{Act, Answer, Op};
use latchgate::core::request::request::SessionCheck;
use latchgate::core::revocation::epoch::Issued;
use latchgate::core::revocation::lead::Lead;

#[test]
fn a_revoked_token_is_refused_until_it_must_be_forgotten_and_asking_twice_never_shortens() {
    on_every_store(|store, clock| {
        let revoke = |until_ms| {
            let token = b"js".as_slice();
            flag(store, Act::RevokeToken { user: "u".into(), token: token.into(), until_ms })
        };
        assert!(revoke(START_MS + HOUR));
        assert!(revoke(START_MS + MINUTE));
        assert!(revoke(START_MS), "nothing to remember, and nothing forgotten");
        clock.advance_ms(HOUR - 1);
        let refused = decide(store, request("u", "s", START_MS, SessionCheck::Skip));
        assert_eq!(refused.reason, Reason::TokenRevoked);
        assert_eq!(
            decide(store, request("u", "t", START_MS, SessionCheck::Skip)).reason,
            Reason::Allowed
        );
        assert_eq!(
            decide(store, request("v", "s", START_MS, SessionCheck::Skip)).reason,
            Reason::Allowed
        );
        clock.advance_ms(1);
        assert_nothing_left(store, clock);
    });
}

#[test]
fn revoking_a_user_ends_what_was_issued_before_and_nothing_issued_after() {
    on_every_store(|store, clock| {
        let own = |generation| {
            let mut request = request("u", "s", START_MS, SessionCheck::Skip);
            request.issued = Issued::Own { generation };
            decide(store, request).reason
        };
        let before = generation(store, "u");
        admit(store, "u", "a", reject(3));
        assert_eq!(revoke_user(store, "u"), 1);
        let after = generation(store, "u");
        assert!(after > before, "in the same microsecond");
        assert_eq!((own(before), own(after)), (Reason::UserRevoked, Reason::Allowed));
        clock.set_us(START_MS * 1_000 - 5_000_000);
        revoke_user(store, "u");
        assert_eq!(own(after), Reason::UserRevoked, "though the clock was set back");
        let latest = generation(store, "u");
        assert_eq!(own(latest), Reason::Allowed);
        assert_eq!(admit(store, "u", "a", reject(3)).reason, Reason::SessionEnded);
    });
}

#[test]
fn of_foreign_tokens_those_of_the_same_second_fall_and_later_ones_stand() {
    on_every_store(|store, clock| {
        clock.advance_ms(400);
        revoke_user(store, "u");
        let at = |iat_ms| decide(store, request("u", "s", iat_ms, SessionCheck::Skip)).reason;
        assert_eq!(at(START_MS - 1_000), Reason::UserRevoked);
        assert_eq!(at(START_MS + 999), Reason::UserRevoked);
        assert_eq!(at(START_MS + 1_000), Reason::Allowed);
        let lead = Lead::Fixed { ms: 5_000 };
        count(store, Act::RevokeUser { user: "u".into(), keys: false, lead });
        assert_eq!(at(START_MS + 5_999), Reason::UserRevoked);
        assert_eq!(at(START_MS + 6_000), Reason::Allowed);
        clock.advance_ms(HORIZON);
        assert_nothing_left(store, clock);
    });
}

#[test]
fn a_blocked_user_is_denied_everything_until_unblocked_or_until_then() {
    on_every_store(|store, clock| {
        admit(store, "u", "a", reject(3));
        let until_ms = Some(START_MS + HOUR);
        let block =
            |until_ms| count(store, Act::BlockUser { user: "u".into(), until_ms, lead: NO_LEAD });
        let reason =
            || decide(store, request("u", "s", START_MS + 2_000, SessionCheck::Skip)).reason;
        assert_eq!(block(until_ms), 1);
        for shorter in [START_MS + MINUTE, START_MS - MINUTE] {
            block(Some(shorter));
        }
        assert_eq!(reason(), Reason::UserBlocked);
        let refused = admit(store, "u", "b", reject(3));
        assert_eq!((refused.reason, refused.retry_after_ms), (Reason::UserBlocked, Some(HOUR)));
        clock.advance_ms(HOUR);
        assert_eq!(reason(), Reason::Allowed);
        block(None);
        block(until_ms.map(|until| until + 2 * HOUR));
        clock.advance_ms(1_000 * HOUR);
        assert_eq!(reason(), Reason::UserBlocked);
        assert_eq!(admit(store, "u", "b", reject(3)).retry_after_ms, None);
        assert!(flag(store, Act::UnblockUser { user: "u".into() }));
        assert!(!flag(store, Act::UnblockUser { user: "u".into() }));
        assert_eq!(reason(), Reason::Allowed);
    });
}

#[test]
fn every_denial_leaves_the_store_as_it_was_and_names_every_reason() {
    on_every_store(|store, _| {
        for id in ["a", "b", "c"] {
            admit(store, "u", id, reject(3));
        }
        end(store, "u", "c");
        admit(store, "u", "d", reject(3));
        let token = b"ja".as_slice();
        flag(
            store,
            Act::RevokeToken { user: "u".into(), token: token.into(), until_ms: START_MS + HOUR },
        );
        let before = store.dump();
        let cases: [(&str, SessionCheck, bool, Reason, u32); 6] = [
            ("a", SessionCheck::Explicit, true, Reason::TokenRevoked, 1),
            ("c", SessionCheck::FirstUse, true, Reason::SessionEnded, 1),
            ("e", SessionCheck::Explicit, true, Reason::SessionUnknown, 1),
            ("e", SessionCheck::FirstUse, true, Reason::SessionLimit, 1),
            ("b", SessionCheck::Explicit, false, Reason::ScopeMissing, 1),
            ("e", SessionCheck::FirstUse, false, Reason::ScopeMissing, 2),
        ];
        for (session, check, scope_ok, reason, reasons) in cases {
            let mut request = request("u", session, START_MS, check);
            request.scope_ok = scope_ok;
            let denied = decide(store, request);
            assert_eq!((denied.reason, denied.would_deny.bits().count_ones()), (reason, reasons));
            assert_eq!((denied.session, denied.admitted), (None, false));
            assert_eq!(store.dump(), before, "{reason:?}");
        }
    });
}

#[test]
fn a_clock_put_forward_by_mistake_makes_nothing_forgotten() {
    on_every_store(|store, clock| {
        let token = b"js".as_slice();
        let until_ms = START_MS + MINUTE;
        flag(store, Act::RevokeToken { user: "u".into(), token: token.into(), until_ms });
        admit(store, "v", "s", reject(3));
        end(store, "v", "s");
        revoke_user(store, "w");
        let jump = if clock.embedded { 100 * HOUR } else { HOUR };
        clock.set_us((START_MS + jump) * 1_000);
        for _ in 0..2_000 {
            store.sweep();
        }
        for user in ["u", "v", "w"] {
            list(store, user);
        }
        clock.set_us(START_MS * 1_000);
        let at = |user| decide(store, request(user, "s", START_MS, SessionCheck::Skip)).reason;
        assert_eq!((at("u"), at("w")), (Reason::TokenRevoked, Reason::UserRevoked));
        assert_eq!(admit(store, "v", "s", reject(3)).reason, Reason::SessionEnded);
    });
}

#[test]
fn what_is_ended_after_the_clock_was_set_back_is_remembered_from_the_later_instant() {
    on_every_store(|store, clock| {
        let generation = generation(store, "u");
        admit(store, "v", "s", reject(3));
        clock.set_us((START_MS - 2 * HOUR) * 1_000);
        revoke_user(store, "u");
        end(store, "v", "s");
        clock.advance_ms(2 * HOUR + HORIZON - 1);
        let mut own = request("u", "s", START_MS, SessionCheck::Skip);
        own.issued = Issued::Own { generation };
        assert_eq!(decide(store, own).reason, Reason::UserRevoked);
        assert_eq!(admit(store, "v", "s", reject(3)).reason, Reason::SessionEnded);
    });
}

#[test]
fn a_foreign_token_from_a_clock_ahead_of_ours_falls_if_it_was_let_through_before() {
    on_every_store(|store, _| {
        let at = |iat_ms| decide(store, request("u", "s", iat_ms, SessionCheck::Skip)).reason;
        assert_eq!(at(START_MS + 45_000), Reason::Allowed);
        revoke_user(store, "u");
        assert_eq!(at(START_MS + 45_000), Reason::UserRevoked);
        assert_eq!(at(START_MS + 46_000), Reason::Allowed);
    });
}

#[test]
fn what_one_auth_ends_outlives_the_tokens_that_another_on_the_same_store_accepts() {
    on_every_store(|store, clock| {
        if !clock.embedded {
            // Told in docs/layout.md: Auths that share a server share maxAge.
            return;
        }
        let op = |act, horizon_ms| Op { act, horizon_ms, most_lead_ms: 0 };
        call_as(store, op(Act::Ping, 7 * 24 * HOUR));
        assert_eq!(
            call_as(
                store,
                op(Act::RevokeUser { user: "u".into(), keys: false, lead: NO_LEAD }, HOUR)
            ),
            Answer::Count(0)
        );
        clock.advance_ms(6 * 24 * HOUR);
        let refused = decide(store, request("u", "s", START_MS, SessionCheck::Skip));
        assert_eq!(refused.reason, Reason::UserRevoked);
    });
}

#[test]
fn a_token_named_by_its_id_alone_has_fallen_where_an_epoch_stands() {
    on_every_store(|store, _| {
        let asked = || {
            let token = b"jx".as_slice();
            flag(store, Act::IsRevoked { user: "u".into(), token: token.into(), issued: None })
        };
        assert!(!asked());
        revoke_user(store, "u");
        assert!(asked());
    });
}

#[test]
fn is_blocked_says_whether_a_block_denies_the_user_now() {
    on_every_store(|store, clock| {
        let blocked = || flag(store, Act::IsBlocked { user: "u".into() });
        let block = |until_ms| {
            call(store, Act::BlockUser { user: "u".into(), until_ms, lead: NO_LEAD });
        };
        assert!(!blocked());
        revoke_user(store, "u");
        assert!(!blocked(), "a revocation is no block");
        block(Some(START_MS + HOUR));
        assert!(blocked());
        assert!(!flag(store, Act::IsBlocked { user: "v".into() }));
        clock.advance_ms(HOUR);
        assert!(!blocked(), "the block has ended");
        block(None);
        clock.advance_ms(1_000 * HOUR);
        assert!(blocked());
        assert!(flag(store, Act::UnblockUser { user: "u".into() }));
        assert!(!blocked());
    });
}
