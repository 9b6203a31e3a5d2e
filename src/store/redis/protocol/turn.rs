//! Turns as calls of scripts, and what those answer.

use super::call::{Call, Expects, call};
use super::credential;
use super::key_names::Names;
use super::layout::{BusyReply, Duration, GrantReply, PlaceReply, TurnAskArguments};
use super::numbers::{
    MODE_FRONT, MODE_QUEUE, MODE_TRY, TURN_BUSY, TURN_DENIED, TURN_GRANTED, TURN_LOST,
    TURN_NO_FENCE, TURN_QUEUED,
};
use super::pack::{Unpacker, first};
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
            let arguments = [&Duration { ms: *by_ms }.pack()[..], ticket];
            call(&[turn], &arguments, Expects::Turn)
        }
    }
}

fn ask(prefix: &str, asked: &Ask<'_>, horizon_ms: u64) -> Call {
    let mode = match asked.mode {
        TurnMode::Queue => MODE_QUEUE,
        TurnMode::Try => MODE_TRY,
        TurnMode::Front => MODE_FRONT,
    };
    let numbers =
        TurnAskArguments { mode, ttl: asked.ttl_ms, seen: asked.seen, stay: asked.stay_ms }.pack();
    let channels = channels(prefix);
    let keys = keys(prefix, &asked.place);
    let arguments = [&numbers[..], &asked.ticket, channels.as_bytes()];
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

/// Reads a reply.
pub fn answer(reply: &[u8]) -> Option<Answer> {
    let mut from = Unpacker(reply);
    Some(Answer::Turn(match first(reply)? {
        TURN_GRANTED => {
            let GrantReply { fence, lease, .. } = GrantReply::take(&mut from)?;
            TurnAnswer::Granted { fence, lease_ms: lease }
        }
        TURN_QUEUED => {
            let PlaceReply { ahead, look_again, .. } = PlaceReply::take(&mut from)?;
            TurnAnswer::Queued { ahead, look_again_ms: look_again }
        }
        TURN_BUSY => TurnAnswer::Busy { look_again_ms: BusyReply::take(&mut from)?.look_again },
        TURN_DENIED => {
            let bits = u64::from(*reply.get(1)?);
            TurnAnswer::Denied(credential::reasons(bits).first())
        }
        TURN_NO_FENCE => return Some(Answer::Fault(fences_spent())),
        TURN_LOST => TurnAnswer::Lost,
        _ => return None,
    }))
}
