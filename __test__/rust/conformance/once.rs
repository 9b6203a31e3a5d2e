//! Keys of `once`: one caller's, for their time or for ever.

use super::on_every_store;
use super::support::counting::*;
use super::support::*;
use latchgate::core::op::{Act, Answer};

#[test]
fn a_key_is_one_callers_until_its_time_has_passed() {
    on_every_store(|store, clock| {
        assert!(once(store, "k", "a", Some(HOUR)));
        assert!(!once(store, "k", "b", None));
        assert!(once(store, "l", "b", None), "keys are apart");
        clock.advance_ms(HOUR - 1);
        assert!(once(store, "k", "a", Some(HOUR)), "the same again");
        let before = store.dump();
        assert!(!once(store, "k", "b", Some(1)));
        assert_eq!(store.dump(), before);
        clock.advance_ms(1);
        assert!(once(store, "k", "b", None), "asking again prolonged nothing");
        clock.advance_ms(1000 * 24 * HOUR);
        assert!(!once(store, "k", "a", None) && !once(store, "l", "a", None), "for ever");
    });
}

#[test]
fn a_key_is_freed_by_whoever_holds_it_and_by_nobody_else() {
    on_every_store(|store, clock| {
        assert!(!once_release(store, "k", "a"));
        once(store, "k", "a", None);
        assert!(!once_release(store, "k", "b"));
        assert!(!once_release(store, "l", "a"));
        assert!(!once(store, "k", "b", None));
        assert!(once_release(store, "k", "a"));
        assert!(!once_release(store, "k", "a"));
        assert_eq!(store.dump(), "");
        assert!(once(store, "k", "b", Some(5)));
        clock.advance_ms(5);
        assert!(!once_release(store, "k", "b"), "its time had passed");
    });
}

#[test]
fn odd_keys_and_callers_are_apart() {
    on_every_store(|store, _| {
        let odd = ["a", "A", "a\0", "{a}", "a:b", "caf\u{e9}", "cafe\u{301}", "*", "\u{1}a"];
        for key in odd {
            assert!(once(store, key, key, None));
            assert!(odd.iter().all(|by| once(store, key, by, None) == (*by == key)));
        }
    });
}

#[test]
fn twenty_thousand_keys_whose_time_has_passed_leave_nothing() {
    on_every_store(|store, clock| {
        for block in 0..20 {
            let acts = (0..1000).map(|n| Act::Once {
                key: format!("{}", block * 1000 + n).into(),
                by: "a".into(),
                ttl_ms: Some(HOUR),
            });
            let taken = call_all(store, acts);
            for outcome in taken {
                assert_eq!(outcome, Ok(Answer::Flag(true)));
            }
        }
        clock.advance_ms(HOUR + 1);
        assert!(store.dump().is_empty());
        if clock.embedded {
            // Each sweep takes one shard at least.
            assert_eq!((0..1024).map(|_| store.sweep()).sum::<usize>(), 20_000);
        }
        assert!(once(store, "1", "b", None));
    });
}
