use super::*;
use crate::core::turn::{TurnKind, TurnPlace, ticket_of};

const START_US: u64 = 1_700_000_000_000_000;

fn asked(ticket: TurnTicket, mode: TurnMode) -> Ask<'static> {
    let place = TurnPlace { kind: TurnKind::Lock, id: "k".into() };
    Ask { place, ticket, ttl_ms: 3_000, seen: 0, stay_ms: 10_000, mode, credential: None }
}

fn ticket(gate: u8, number: u64) -> TurnTicket {
    ticket_of([gate; 8], number)
}

fn ask(state: &mut TurnState, ticket: TurnTicket, now_us: u64) -> TurnAnswer {
    state.ask(&asked(ticket, TurnMode::Queue), Reason::Allowed, now_us, &mut |_| true).unwrap()
}

#[test]
fn a_fence_is_above_the_last_the_clock_and_what_was_seen_and_stays_safe() {
    let mut state = TurnState::default();
    let mut grant = |seen, now_us| {
        let asked = Ask { seen, ..asked(ticket(1, 1), TurnMode::Queue) };
        let answer = state.ask(&asked, Reason::Allowed, now_us, &mut |_| true);
        state.leave(&ticket(1, 1), now_us, &mut |_| true);
        answer.map(|answer| match answer {
            TurnAnswer::Granted { fence, .. } => fence,
            other => panic!("not granted: {other:?}"),
        })
    };
    assert_eq!(grant(0, START_US), Ok(START_US));
    assert_eq!(grant(0, START_US), Ok(START_US + 1), "above the last");
    assert_eq!(grant(0, START_US - 5), Ok(START_US + 2), "the clock was set back");
    assert_eq!(grant(START_US + 9, START_US), Ok(START_US + 10), "above what was seen");
    assert_eq!(grant(FENCES_END - 2, START_US), Ok(FENCES_END - 1));
    assert!(grant(0, START_US).is_err(), "none is left");
    let before = state.clone();
    assert!(ask_seen(&mut state, FENCES_END - 1).is_err());
    assert_eq!(state, before);
}

fn ask_seen(state: &mut TurnState, seen: u64) -> Result<TurnAnswer, Fault> {
    let asked = Ask { seen, ..asked(ticket(2, 1), TurnMode::Queue) };
    state.ask(&asked, Reason::Allowed, START_US, &mut |_| true)
}

#[test]
fn nothing_but_the_fence_is_left_and_that_for_a_day() {
    let mut state = TurnState::default();
    for number in 0..100 {
        ask(&mut state, ticket(1, number), START_US);
    }
    for number in 0..100 {
        state.leave(&ticket(1, number), START_US, &mut |_| true);
    }
    assert!(state.line.is_none());
    assert!(!state.is_over(START_US + FENCE_MS * 1000 - 1));
    assert!(state.is_over(START_US + FENCE_MS * 1000));
}

#[test]
fn whoever_nobody_can_wake_is_passed_over_with_all_of_its_gate() {
    let mut state = TurnState::default();
    for (gate, number) in [(9, 9), (1, 1), (1, 2), (2, 1), (1, 3)] {
        ask(&mut state, ticket(gate, number), START_US);
    }
    let mut woken = Vec::new();
    state.leave(&ticket(9, 9), START_US, &mut |ticket| {
        woken.push(*ticket);
        gate_of(ticket) != [1; 8]
    });
    assert_eq!(woken, [ticket(1, 1), ticket(2, 1)], "one try for each gate");
    assert!(matches!(ask(&mut state, ticket(1, 1), START_US), TurnAnswer::Queued { ahead: 0, .. }));
    assert!(matches!(ask(&mut state, ticket(2, 1), START_US), TurnAnswer::Granted { .. }));
}
