//! The methods for turns, and for credentials that are checked again.

use super::NativeAuth;
use crate::binding::convert::{Result, error, number, to_id, to_integer};
use crate::binding::flows::continuation::Continuation;
use crate::binding::results::result;
use crate::binding::runtime::auth::NowOrLater;
use crate::binding::runtime::credentials::presented;
use crate::binding::runtime::slots::enter;
use crate::core::base::error::Fault;
use crate::core::op::Act;
use crate::core::turn::ops::{Ask, FENCE_MS, TurnKind, TurnMode, TurnOp, TurnPlace, ticket_of};
use napi::bindgen_prelude::Either;
use napi_derive::napi;

#[napi]
impl NativeAuth {
    /// Asks for a turn: `kind` 0 a key, 1 a user; `ticket` a number that this Auth gives once; `seen` the highest fence that
    /// is known, or 0; `mode` 0 queue, 1 try, 2 front. `token` and `key`, of a user's turn alone: only while they stand.
    #[allow(clippy::too_many_arguments)]
    #[napi]
    pub fn turn_ask(
        &self,
        kind: f64,
        id: String,
        ticket: f64,
        ttl_ms: f64,
        seen: f64,
        stay_ms: f64,
        mode: f64,
        token: Option<String>,
        key: Option<String>,
    ) -> Result<NowOrLater> {
        let place = place(kind, id)?;
        let number = to_integer("ticket", ticket, 0).map_err(error)?;
        let (ttl_ms, stay_ms) = (span("ttl", ttl_ms)?, span("stay", stay_ms)?);
        let seen = to_integer("seen", seen, 0).map_err(error)?;
        let mode = match to_integer("mode", mode, 0).map_err(error)? {
            0 => TurnMode::Queue,
            1 => TurnMode::Try,
            2 => TurnMode::Front,
            _ => return Err(error(Fault::input("no such mode"))),
        };
        let asks = token.is_some() || key.is_some();
        if asks && place.kind != TurnKind::User {
            return Err(error(Fault::input("a credential is asked for with a user's turn alone")));
        }
        enter(&self.runtime, |runtime| {
            let ticket = ticket_of(runtime.store.turn_gate, number);
            let credential = if asks {
                match presented(&mut runtime.tokens, token.as_deref(), key.as_deref(), &place.id)? {
                    Ok(credential) => Some(credential),
                    // It may have been queued while it stood.
                    Err(reason) => {
                        let leave = Act::Turn(TurnOp::Leave { place, ticket });
                        return runtime.submit(leave, Continuation::TurnDenied(reason));
                    }
                }
            } else {
                None
            };
            let ask = Ask { place, ticket, ttl_ms, seen, stay_ms, mode, credential };
            runtime.submit(Act::Turn(TurnOp::Ask(ask)), Continuation::Plain)
        })
    }

    /// The turn lasts at least so long from now, where the ticket holds it.
    #[napi]
    pub fn turn_extend(
        &self,
        kind: f64,
        id: String,
        ticket: f64,
        by_ms: f64,
    ) -> Result<NowOrLater> {
        let (place, by_ms) = (place(kind, id)?, span("by", by_ms)?);
        let number = to_integer("ticket", ticket, 0).map_err(error)?;
        enter(&self.runtime, |runtime| {
            let ticket = ticket_of(runtime.store.turn_gate, number);
            runtime.submit(Act::Turn(TurnOp::Extend { place, ticket, by_ms }), Continuation::Plain)
        })
    }

    /// Gives up the turn, or the place in the queue; whether the turn was held.
    #[napi]
    pub fn turn_leave(&self, kind: f64, id: String, ticket: f64) -> Result<NowOrLater> {
        let place = place(kind, id)?;
        let number = to_integer("ticket", ticket, 0).map_err(error)?;
        enter(&self.runtime, |runtime| {
            let ticket = ticket_of(runtime.store.turn_gate, number);
            runtime.submit(Act::Turn(TurnOp::Leave { place, ticket }), Continuation::Plain)
        })
    }

    /// Whether what a request was let in with still stands: 0, or the number of the reason.
    #[napi]
    pub fn standing(
        &self,
        user_id: String,
        token: Option<String>,
        key: Option<String>,
    ) -> Result<NowOrLater> {
        let user = to_id("userId", user_id)?;
        enter(&self.runtime, |runtime| {
            match presented(&mut runtime.tokens, token.as_deref(), key.as_deref(), &user)? {
                Ok(credential) => {
                    let act = Act::CheckCredential { user: user.into(), credential };
                    runtime.submit(act, Continuation::Plain)
                }
                Err(reason) => {
                    let count = Some(number(reason as u64));
                    Ok(Either::A(result::Outcome { count, ..Default::default() }))
                }
            }
        })
    }

    /// From now on `events` tells of turns and revocations. To be called before this Auth waits for turns or subscribes.
    #[napi]
    pub fn listen(&self) -> Result<()> {
        enter(&self.runtime, |runtime| {
            runtime.store.listen();
            Ok(())
        })
    }
}

fn place(kind: f64, key: String) -> Result<TurnPlace<'static>> {
    let kind = match to_integer("kind", kind, 0).map_err(error)? {
        0 => TurnKind::Lock,
        1 => TurnKind::User,
        _ => return Err(error(Fault::input("no such kind of turn"))),
    };
    Ok(TurnPlace { kind, id: to_id("key", key)?.into() })
}

/// From a millisecond to a day: a turn never outlives what is remembered of its fence.
fn span(name: &str, ms: f64) -> Result<u64> {
    let ms = to_integer(name, ms, 1).map_err(error)?;
    if ms > FENCE_MS {
        return Err(error(Fault::input(format!("{name} must not be longer than 24 hours"))));
    }
    Ok(ms)
}
