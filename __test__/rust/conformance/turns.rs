//! Turns: one holder at a time, first come first served, and none lost to the dead.

use super::on_every_store;
use super::support::turning::*;
use super::support::*;
use latchgate::core::op::{Act, Answer};
use latchgate::core::turn::ops::{Ask, CLAIM_MS, FENCE_MS, TurnAnswer, TurnMode, TurnOp};

const DAY: u64 = 24 * HOUR;

#[test]
fn a_free_turn_is_granted_and_asking_again_hears_the_same() {
    on_every_store(|store, clock| {
        let ears = Ears::of(store, 1);
        let granted = ask(store, lock("k"), ears.ticket(1));
        let first = TurnAnswer::Granted { fence: START_MS * 1000, lease_ms: TTL };
        assert_eq!(granted, first);
        clock.advance_ms(1_000);
        let again = TurnAnswer::Granted { fence: START_MS * 1000, lease_ms: TTL - 1_000 };
        assert_eq!(ask(store, lock("k"), ears.ticket(1)), again, "its time goes on");
        assert!(fence(ask(store, user("k"), ears.ticket(2))).is_some(), "users are apart");
        assert!(fence(ask(store, lock("l"), ears.ticket(3))).is_some(), "and keys");
        assert!(leave(store, lock("k"), ears.ticket(1)));
        assert!(!leave(store, lock("k"), ears.ticket(1)));
        assert!(!leave(store, lock("unheard of"), ears.ticket(1)));
    });
}

#[test]
fn turns_are_handed_on_in_the_order_in_which_they_were_asked_for() {
    on_every_store(|store, _| {
        let gates = [Ears::of(store, 1), Ears::of(store, 2)];
        let gate = |number: u64| &gates[usize::from(number % 2 == 1)];
        let ticket = |number| gate(number).ticket(number);
        let mut last = fence(ask(store, lock("k"), ticket(0))).unwrap();
        for number in 1..20 {
            assert_eq!(ahead(ask(store, lock("k"), ticket(number))), Some(number - 1));
        }
        assert_eq!(
            ahead(ask(store, lock("k"), ticket(7))),
            Some(6),
            "asking again keeps the place"
        );
        for number in 1..20 {
            assert!(leave(store, lock("k"), ticket(number - 1)));
            assert_eq!(gate(number).woken(), number);
            if number < 19 {
                assert_eq!(ahead(ask(store, lock("k"), ticket(19))), Some(19 - number));
            }
            let next = fence(ask(store, lock("k"), ticket(number))).unwrap();
            assert!(next > last);
            last = next;
        }
        assert!(leave(store, lock("k"), ticket(19)));
        assert!(fence(ask(store, lock("k"), ticket(20))).unwrap() > last);
        assert!(gates.iter().all(|ears| ears.all().is_empty()), "nobody else was woken");
    });
}

#[test]
fn a_lease_that_has_ended_holds_nothing_and_is_neither_released_nor_revived() {
    on_every_store(|store, clock| {
        let ears = Ears::of(store, 1);
        let first = fence(ask(store, lock("k"), ears.ticket(1))).unwrap();
        let queued = ask(store, lock("k"), ears.ticket(2));
        assert_eq!(queued, TurnAnswer::Queued { ahead: 0, look_again_ms: TTL + 10 });
        let queued = ask(store, lock("k"), ears.ticket(3));
        assert_eq!(queued, TurnAnswer::Queued { ahead: 1, look_again_ms: TTL + 60 });
        clock.advance_ms(TTL - 1);
        assert_eq!(ahead(ask(store, lock("k"), ears.ticket(2))), Some(0));
        clock.advance_ms(1);
        assert_eq!(extend(store, lock("k"), ears.ticket(1), 1), TurnAnswer::Lost);
        let second = fence(ask(store, lock("k"), ears.ticket(2))).unwrap();
        assert!(second > first);
        assert!(!leave(store, lock("k"), ears.ticket(1)), "it is another's by now");
        assert_eq!(fence(ask(store, lock("k"), ears.ticket(2))), Some(second));
        assert_eq!(ahead(ask(store, lock("k"), ears.ticket(1))), Some(1), "it comes last");
        clock.advance_ms(TTL);
        assert!(!leave(store, lock("k"), ears.ticket(2)), "its time had passed");
        assert_eq!(ears.woken(), 3, "and what it left is handed on");
        assert!(fence(ask(store, lock("k"), ears.ticket(3))).unwrap() > second);
    });
}

#[test]
fn a_lease_is_extended_from_now_and_never_shortened() {
    on_every_store(|store, clock| {
        let ears = Ears::of(store, 1);
        let fence = fence(ask(store, lock("k"), ears.ticket(1))).unwrap();
        let by = |ms| extend(store, lock("k"), ears.ticket(1), ms);
        assert_eq!(by(1_000), TurnAnswer::Granted { fence, lease_ms: TTL });
        clock.advance_ms(TTL - 1);
        assert_eq!(by(1_000), TurnAnswer::Granted { fence, lease_ms: 1_000 });
        assert_eq!(extend(store, lock("k"), ears.ticket(2), 1_000), TurnAnswer::Lost);
        assert_eq!(extend(store, lock("l"), ears.ticket(1), 1_000), TurnAnswer::Lost);
        clock.advance_ms(999);
        assert_eq!(ahead(ask(store, lock("k"), ears.ticket(2))), Some(0));
        clock.advance_ms(1);
        assert_eq!(by(1_000), TurnAnswer::Lost);
        assert!(
            fence < super::support::turning::fence(ask(store, lock("k"), ears.ticket(2))).unwrap()
        );
    });
}

#[test]
fn whoever_does_not_claim_in_time_is_passed_over_and_keeps_the_place() {
    on_every_store(|store, clock| {
        let (slow, quick) = (Ears::of(store, 1), Ears::of(store, 2));
        ask(store, lock("k"), quick.ticket(1));
        for number in 2..5 {
            ask(store, lock("k"), slow.ticket(number));
        }
        ask(store, lock("k"), quick.ticket(5));
        assert!(leave(store, lock("k"), quick.ticket(1)));
        assert_eq!(slow.woken(), 2);
        let queued = ask(store, lock("k"), quick.ticket(5));
        assert_eq!(queued, TurnAnswer::Queued { ahead: 3, look_again_ms: CLAIM_MS + 160 });
        clock.advance_ms(CLAIM_MS - 1);
        assert_eq!(ahead(ask(store, lock("k"), quick.ticket(5))), Some(3));
        clock.advance_ms(1);
        // All of the slow gate's tickets cost one window.
        assert!(fence(ask(store, lock("k"), quick.ticket(5))).is_some());
        assert_eq!(ahead(ask(store, lock("k"), slow.ticket(3))), Some(1), "the places stand");
        assert!(leave(store, lock("k"), quick.ticket(5)));
        assert_eq!(slow.woken(), 2, "its gate was heard of again");
        assert!(fence(ask(store, lock("k"), slow.ticket(2))).is_some());
        assert!(quick.all().is_empty());
    });
}

#[test]
fn a_ticket_that_was_passed_over_comes_first_again_once_it_asks() {
    on_every_store(|store, clock| {
        let (slow, quick) = (Ears::of(store, 1), Ears::of(store, 2));
        ask(store, lock("k"), quick.ticket(1));
        ask(store, lock("k"), slow.ticket(2));
        ask(store, lock("k"), quick.ticket(3));
        leave(store, lock("k"), quick.ticket(1));
        clock.advance_ms(CLAIM_MS);
        assert!(
            fence(ask(store, lock("k"), slow.ticket(2))).is_some(),
            "late, and nobody was there"
        );
        leave(store, lock("k"), slow.ticket(2));
        assert_eq!(quick.woken(), 3);
        assert_eq!(ahead(ask(store, lock("k"), slow.ticket(4))), Some(1), "it is reserved");
        assert!(fence(ask(store, lock("k"), quick.ticket(3))).is_some());
    });
}

#[test]
fn whoever_asks_where_the_turn_is_free_lets_those_go_first_who_wait() {
    on_every_store(|store, clock| {
        let ears = Ears::of(store, 1);
        ask(store, lock("k"), ears.ticket(1));
        ask(store, lock("k"), ears.ticket(2));
        clock.advance_ms(TTL);
        // The holder is dead, and the first of the queue does not know yet.
        let queued = ask(store, lock("k"), ears.ticket(3));
        assert_eq!(queued, TurnAnswer::Queued { ahead: 1, look_again_ms: CLAIM_MS + 60 });
        assert_eq!(ears.woken(), 2);
        assert!(fence(ask(store, lock("k"), ears.ticket(2))).is_some());
    });
}

#[test]
fn a_ticket_whose_stay_is_over_is_dropped() {
    on_every_store(|store, clock| {
        let ears = Ears::of(store, 1);
        let brief = |number| Ask { stay_ms: 1_000, ..asked(lock("k"), ears.ticket(number)) };
        ask(store, lock("k"), ears.ticket(1));
        try_ask(store, brief(2)).unwrap();
        try_ask(store, brief(3)).unwrap();
        ask(store, lock("k"), ears.ticket(4));
        clock.advance_ms(999);
        try_ask(store, brief(3)).unwrap();
        clock.advance_ms(1);
        assert!(leave(store, lock("k"), ears.ticket(1)));
        assert_eq!(ears.woken(), 3, "asking again has prolonged its stay");
        assert_eq!(ahead(ask(store, lock("k"), ears.ticket(2))), Some(2), "it has to begin anew");
    });
}

#[test]
fn whoever_leaves_the_queue_changes_nothing_for_the_others() {
    on_every_store(|store, _| {
        let ears = Ears::of(store, 1);
        for number in 1..6 {
            ask(store, lock("k"), ears.ticket(number));
        }
        assert!(!leave(store, lock("k"), ears.ticket(3)), "it did not hold it");
        assert_eq!(ahead(ask(store, lock("k"), ears.ticket(5))), Some(2));
        assert!(leave(store, lock("k"), ears.ticket(1)));
        assert_eq!(ears.woken(), 2);
        assert!(!leave(store, lock("k"), ears.ticket(2)), "what was reserved is handed on");
        assert_eq!(ears.woken(), 4);
        assert!(fence(ask(store, lock("k"), ears.ticket(4))).is_some());
        assert_eq!(ahead(ask(store, lock("k"), ears.ticket(5))), Some(0));
    });
}

#[test]
fn the_front_comes_before_all_who_wait_and_several_in_their_order() {
    on_every_store(|store, _| {
        let ears = Ears::of(store, 1);
        for number in 1..4 {
            ask(store, lock("k"), ears.ticket(number));
        }
        let front = |number| ask_as(store, lock("k"), ears.ticket(number), TurnMode::Front);
        assert_eq!(ahead(front(10)), Some(0));
        assert_eq!(ahead(front(11)), Some(1));
        assert_eq!(ahead(front(10)), Some(0), "the same again");
        assert_eq!(ahead(ask(store, lock("k"), ears.ticket(2))), Some(2));
        let mut holder = 1;
        for next in [10, 11, 2, 3] {
            assert!(leave(store, lock("k"), ears.ticket(holder)));
            assert_eq!(ears.woken(), next);
            assert!(fence(ask(store, lock("k"), ears.ticket(next))).is_some());
            holder = next;
        }
    });
}

#[test]
fn a_try_gets_what_is_free_and_never_waits() {
    on_every_store(|store, clock| {
        let ears = Ears::of(store, 1);
        let attempt = |number| ask_as(store, lock("k"), ears.ticket(number), TurnMode::Try);
        assert!(fence(attempt(1)).is_some());
        assert!(fence(attempt(1)).is_some(), "its own");
        let before = store.dump();
        assert_eq!(attempt(2), TurnAnswer::Busy { look_again_ms: TTL + 10 });
        assert_eq!(store.dump(), before);
        ask(store, lock("k"), ears.ticket(3));
        clock.advance_ms(TTL);
        assert_eq!(attempt(2), TurnAnswer::Busy { look_again_ms: CLAIM_MS + 10 });
        assert_eq!(ears.woken(), 3, "somebody waits, who comes first");
        clock.advance_ms(CLAIM_MS);
        let other = Ears::of(store, 2);
        let attempt = ask_as(store, lock("k"), other.ticket(1), TurnMode::Try);
        assert!(fence(attempt).is_some(), "who waits is passed over");
        assert!(leave(store, lock("k"), other.ticket(1)));
        assert!(ears.all().is_empty());
        assert_eq!(ahead(ask(store, lock("k"), ears.ticket(4))), Some(1), "and is there still");
        assert_eq!(ears.woken(), 3);
    });
}

#[test]
fn fences_grow_whatever_the_clock_does_and_what_was_seen_elsewhere_counts() {
    on_every_store(|store, clock| {
        let ears = Ears::of(store, 1);
        let grant = |seen| {
            let asked = Ask { seen, ..asked(lock("k"), ears.ticket(1)) };
            let fence = fence(try_ask(store, asked).unwrap()).unwrap();
            assert!(leave(store, lock("k"), ears.ticket(1)));
            fence
        };
        let first = grant(0);
        assert_eq!(first, START_MS * 1000);
        assert_eq!(grant(0), first + 1, "in the same microsecond");
        clock.set_us(START_MS * 1000 - 60_000_000);
        assert_eq!(grant(0), first + 2, "the clock was set back");
        assert_eq!(grant(first + 10), first + 11, "another store had granted more");
        let most = (1 << 53) - 1;
        assert_eq!(grant(most - 1), most);
        let none = Ask { seen: most, ..asked(lock("k"), ears.ticket(2)) };
        assert!(try_ask(store, none).is_err(), "never beyond what a double holds");
        assert!(try_ask(store, asked(lock("k"), ears.ticket(2))).is_err());
    });
}

#[test]
fn after_the_last_has_left_a_fence_is_left_for_a_day() {
    on_every_store(|store, clock| {
        let (ears, gone) = (Ears::of(store, 1), Ears::of(store, 2));
        for number in 1..10 {
            ask(store, lock("k"), ears.ticket(number));
            ask(store, user("k"), gone.ticket(number));
        }
        for number in (1..10).rev() {
            leave(store, lock("k"), ears.ticket(number));
        }
        clock.advance_ms(FENCE_MS - 1);
        assert!(!store.dump().is_empty());
        let last = fence(ask(store, lock("k"), ears.ticket(100))).unwrap();
        assert!(last > START_MS * 1000);
        leave(store, lock("k"), ears.ticket(100));
        // Of those who never left nothing stays either.
        clock.advance_ms(DAY + STAY);
        assert_eq!(store.dump(), "");
        if clock.embedded {
            assert_eq!((0..1024).map(|_| store.sweep()).sum::<usize>(), 2);
        }
    });
}

#[test]
fn keys_of_any_text_are_apart() {
    on_every_store(|store, _| {
        let ears = Ears::of(store, 1);
        let odd = ["a", "A", "a\0", "{a}", "a:b", "caf\u{e9}", "cafe\u{301}", "*", "\u{1}a", "}{"];
        for (n, id) in odd.iter().enumerate() {
            let number = n as u64;
            assert!(fence(ask(store, lock(id), ears.ticket(number))).is_some(), "{id}");
            assert!(fence(ask(store, user(id), ears.ticket(number))).is_some(), "{id}");
        }
        for id in odd {
            assert!(ahead(ask(store, lock(id), ears.ticket(100))).is_some(), "{id}");
        }
    });
}

#[test]
fn twenty_thousand_keys_that_were_used_leave_their_fences_and_after_a_day_nothing() {
    on_every_store(|store, clock| {
        let ears = Ears::of(store, 1);
        let ticket = ears.ticket(1);
        for block in 0..20 {
            let keys: Vec<String> = (0..1000).map(|n| format!("{}", block * 1000 + n)).collect();
            let asks = keys.iter().map(|key| Act::Turn(TurnOp::Ask(asked(lock(key), ticket))));
            assert!(call_all(store, asks).iter().all(|it| matches!(it, Ok(Answer::Turn(_)))));
            let leaves =
                keys.iter().map(|key| Act::Turn(TurnOp::Leave { place: lock(key), ticket }));
            assert!(call_all(store, leaves).iter().all(|it| *it == Ok(Answer::Flag(true))));
        }
        assert_eq!(store.dump().lines().count(), 20_000);
        clock.advance_ms(FENCE_MS + 1);
        assert!(store.dump().is_empty());
        if clock.embedded {
            assert_eq!((0..1024).map(|_| store.sweep()).sum::<usize>(), 20_000);
        }
    });
}
