//! Turns as calls of scripts, and what those answer.

use super::call::{Call, Expects, call};
use super::credential;
use super::key_names::Names;
use super::pack::{Packer, Unpacker};
use crate::core::op::Answer;
use crate::core::turn::ops::{Ask, TurnAnswer, TurnKind, TurnMode, TurnOp, TurnPlace};
use crate::core::turn::state::fences_spent;

/// Writes what is asked about a turn.
pub fn encode(prefix: &str, turn: &TurnOp<'_>, horizon_ms: u64) -> Call {
    match turn {
        TurnOp::Ask(asked) => ask(prefix, asked, horizon_ms),
        TurnOp::Leave { place, ticket } => {
            let channels = channels(prefix);
            let arguments = [&ticket[..], channels.as_bytes()];
            call(&keys(prefix, place), &arguments, Expects::Flag)
        }
        TurnOp::Extend { place, ticket, by_ms } => {
            let [turn, ..] = keys(prefix, place);
            let arguments = [&Packer::default().ms(*by_ms).0[..], ticket];
            call(&[turn], &arguments, Expects::Turn)
        }
    }
}

fn ask(prefix: &str, asked: &Ask<'_>, horizon_ms: u64) -> Call {
    let mode = match asked.mode {
        TurnMode::Queue => 0,
        TurnMode::Try => 1,
        TurnMode::Front => 2,
    };
    let numbers =
        Packer::default().put(1, mode).ms(asked.ttl_ms).put(7, asked.seen).ms(asked.stay_ms);
    let channels = channels(prefix);
    let keys = keys(prefix, &asked.place);
    let arguments = [&numbers.0[..], &asked.ticket, channels.as_bytes()];
    let Some(credential) = &asked.credential else {
        return call(&keys, &arguments, Expects::Turn);
    };
    let of = credential::asked(prefix, &asked.place.id, credential, horizon_ms);
    let keys: Vec<_> = of.keys.into_iter().chain(keys).collect();
    let credential = of.arguments.iter().map(Vec::as_slice);
    let arguments: Vec<_> = credential.chain(arguments).collect();
    call(&keys, &arguments, Expects::Turn)
}

/// The turn, who waits, and until when.
fn keys(prefix: &str, place: &TurnPlace<'_>) -> [String; 3] {
    let names = Names::of(prefix, &place.id);
    match place.kind {
        TurnKind::Lock => ["l", "lq", "lw"],
        TurnKind::User => ["t", "tq", "tw"],
    }
    .map(|kind| names.key(kind))
}

/// What the names of the channels begin with on which tickets are woken; behind it the gate, in hexadecimal.
pub(crate) fn channels(prefix: &str) -> String {
    format!("{prefix}:w:")
}

/// Reads what is answered.
pub fn answer(from: &mut Unpacker<'_>) -> Option<Answer> {
    Some(Answer::Turn(match from.take(1)? {
        0 => TurnAnswer::Granted { fence: from.take(7)?, lease_ms: from.take(6)? },
        1 => TurnAnswer::Queued { ahead: from.take(6)?, look_again_ms: from.take(6)? },
        2 => TurnAnswer::Busy { look_again_ms: from.take(6)? },
        3 => TurnAnswer::Denied(credential::reasons(from.take(1)?).first()),
        4 => return Some(Answer::Fault(fences_spent())),
        5 => TurnAnswer::Lost,
        _ => return None,
    }))
}
