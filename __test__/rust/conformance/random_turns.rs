//! Random questions about turns: every store answers as the embedded one, which is what the rule in core says, and wakes
//! the same tickets.

use super::on_every_store;
use super::random_spending::{Beside, Dice};
use super::support::turning::*;
use super::support::*;
use latchgate::core::op::{Act, Answer};
use latchgate::core::request::credential::{Credential, TokenCredential};
use latchgate::core::request::request::{Admit, SessionCheck};
use latchgate::core::revocation::epoch::Issued;
use latchgate::core::session::rule::OnLimit;
use latchgate::core::store::Notice;
use latchgate::core::turn::ops::{Ask, TurnAnswer, TurnMode, TurnOp, TurnPlace, TurnTicket};

fn credential() -> Credential<'static> {
    let token = TokenCredential {
        token: b"js".as_slice().into(),
        issued: Issued::Foreign { iat_ms: START_MS },
        session: "s".into(),
        check: SessionCheck::Explicit,
    };
    Credential { token: Some(token), key: None }
}

/// What may be asked next about one of a few turns, by one of a few tickets of three gates.
fn question(dice: &mut Dice, place: TurnPlace<'static>, ticket: TurnTicket) -> TurnOp<'static> {
    match dice.roll(10) {
        0..=5 => {
            let mode = match dice.roll(6) {
                0 => TurnMode::Try,
                1 => TurnMode::Front,
                _ => TurnMode::Queue,
            };
            let of_user = place == user("u");
            TurnOp::Ask(Ask {
                ttl_ms: 1 + dice.roll(2_000),
                stay_ms: 1 + dice.roll(4_000),
                seen: if dice.roll(20) == 0 { (START_MS + HOUR) * 1000 } else { 0 },
                mode,
                credential: (of_user && dice.roll(2) == 0).then(credential),
                ..asked(place, ticket)
            })
        }
        6..=7 => TurnOp::Leave { place, ticket },
        _ => TurnOp::Extend { place, ticket, by_ms: 1 + dice.roll(2_000) },
    }
}

fn random_turns(seed: u64, longest_step_us: u64) {
    on_every_store(|store, clock| {
        let both = Beside::of(store, clock);
        let mut dice = Dice(seed);
        let ears: Vec<_> = (1..4).map(|gate| Ears::of(store, gate)).collect();
        let twins: Vec<_> = (1..4).map(|gate| Ears::of(&*both.twin, gate)).collect();
        let first = request("u", "s", START_MS, SessionCheck::FirstUse);
        both.ask(Act::Decide(first)).unwrap();
        let mut granted = 0;
        for _ in 0..400 {
            let gate = usize::try_from(dice.roll(3)).unwrap();
            let ticket = ears[gate].ticket(dice.roll(4));
            let place = if dice.roll(3) == 0 { lock("k") } else { user("u") };
            match dice.roll(150) {
                0 => {
                    // Another login evicts: with the first session the credential falls.
                    both.ask(Act::Admit(Admit {
                        user: "u".into(),
                        session: "t".into(),
                        device: None,
                        rule: rule(Some(1), OnLimit::EvictOldest),
                    }))
                    .unwrap();
                }
                1..=40 => both.advance_us(1 + dice.roll(longest_step_us)),
                _ => {
                    let answer = both.ask(Act::Turn(question(&mut dice, place, ticket))).unwrap();
                    if matches!(answer, Answer::Turn(TurnAnswer::Granted { .. })) {
                        granted += 1;
                    }
                }
            }
            for (ear, twin) in ears.iter().zip(&twins) {
                for expected in twin.all() {
                    assert_eq!(ear.next(), expected);
                }
            }
        }
        assert!(granted > 10, "{granted}");
        // Nothing was told besides: a last word comes after all others.
        for (gate, ear) in ears.iter().enumerate() {
            let (holder, next) = (ears[(gate + 1) % 3].ticket(100), ear.ticket(101));
            ask(store, lock("last"), holder);
            ask(store, lock("last"), next);
            leave(store, lock("last"), holder);
            assert_eq!(ear.next(), Notice::Turn(next));
            leave(store, lock("last"), next);
        }
    });
}

#[test]
fn random_questions_about_turns_are_answered_alike() {
    for seed in 1..=8 {
        random_turns(seed * 0x9E37_79B9, 300_000);
    }
}

#[test]
fn random_questions_about_turns_are_answered_alike_where_leases_and_stays_end_often() {
    for seed in 1..=8 {
        random_turns(seed * 0x85EB_CA6B, 3_000_000);
    }
}
