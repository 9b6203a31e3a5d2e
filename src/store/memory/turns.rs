//! Turns in the embedded store: the holder of a lock or of a user's turn, and its waiters.

use super::listeners::{Listeners, Woken};
use super::shards::sweep_shard;
use crate::core::base::reason::Reason;
use crate::core::op::Answer;
use crate::core::store::Sink;
#[cfg(feature = "test-stores")]
use crate::core::turn::ops::TurnPlace;
use crate::core::turn::ops::{TurnAnswer, TurnKind, TurnOp, TurnTicket};
use crate::core::turn::state::TurnState;
use dashmap::{DashMap, Entry};
use std::sync::Arc;

type States = DashMap<Box<str>, TurnState, ahash::RandomState>;

/// States by key and by user, and the listeners to wake.
///
/// Lock: the lock of the place's shard, held from finding the state until its change. If the turn requires a
/// credential, it is taken after the user's shard, so that the credential cannot be revoked between the check
/// and the grant. The lock of `listeners` comes after it. A holder requests no other lock.
pub(crate) struct Turns {
    locks: States,
    users: States,
    pub(crate) listeners: Listeners,
}

impl Turns {
    pub(crate) fn new(hasher: &ahash::RandomState, shards: usize) -> Self {
        let states = || DashMap::with_hasher_and_shard_amount(hasher.clone(), shards);
        Self { locks: states(), users: states(), listeners: Listeners::default() }
    }

    fn states(&self, kind: TurnKind) -> &States {
        match kind {
            TurnKind::Lock => &self.locks,
            TurnKind::User => &self.users,
        }
    }

    /// Decides one question. `against` is the reason against its credential, or `Allowed`. Returns the woken
    /// ticket, to be notified when no lock is held.
    pub(crate) fn run(
        &self,
        op: &TurnOp<'_>,
        against: Reason,
        now_us: u64,
        sink: Option<&Arc<dyn Sink>>,
    ) -> (Answer, Option<Woken>) {
        let place = op.place();
        let states = self.states(place.kind);
        if let (TurnOp::Ask(ask), Some(sink)) = (op, sink) {
            self.listeners.expect(&ask.ticket, sink);
        }
        if let Some(mut state) = states.get_mut(&*place.id) {
            return self.decide(&mut state, op, against, now_us);
        }
        match op {
            TurnOp::Leave { .. } => (Answer::Flag(false), None),
            TurnOp::Extend { .. } => (Answer::Turn(TurnAnswer::Lost), None),
            TurnOp::Ask(_) => match states.entry((*place.id).into()) {
                Entry::Occupied(mut entry) => self.decide(entry.get_mut(), op, against, now_us),
                Entry::Vacant(entry) => {
                    let mut state = TurnState::default();
                    let answer = self.decide(&mut state, op, against, now_us);
                    // A refused question leaves no state.
                    if state != TurnState::default() {
                        entry.insert(state);
                    }
                    answer
                }
            },
        }
    }

    /// Decides one question on a locked state, or on a copy.
    pub(crate) fn decide(
        &self,
        state: &mut TurnState,
        op: &TurnOp<'_>,
        against: Reason,
        now_us: u64,
    ) -> (Answer, Option<Woken>) {
        let mut woken = None;
        let mut wake = |ticket: &TurnTicket| {
            woken = self.listeners.of(ticket);
            woken.is_some()
        };
        let verdict = match op {
            TurnOp::Ask(ask) => {
                state.ask(ask, against, now_us, &mut wake).map_or_else(Answer::Fault, Answer::Turn)
            }
            TurnOp::Leave { ticket, .. } => Answer::Flag(state.leave(ticket, now_us, &mut wake)),
            TurnOp::Extend { ticket, by_ms, .. } => {
                Answer::Turn(state.extend(ticket, *by_ms, now_us))
            }
        };
        (verdict, woken)
    }

    pub(crate) fn sweep(&self, shard: usize, settled_us: u64) -> usize {
        sweep_shard(&self.locks, shard, |_, state| state.is_over(settled_us))
            + sweep_shard(&self.users, shard, |_, state| state.is_over(settled_us))
    }

    pub(crate) fn dump(&self, now_us: u64, settled_us: u64) -> Vec<String> {
        let lines = |name: &str, states: &States| -> Vec<String> {
            let kept = states.iter().filter(|state| !state.is_over(settled_us));
            kept.map(|it| format!("{name} {:?} {:?}\n", it.key(), it.settled(now_us))).collect()
        };
        [lines("lock", &self.locks), lines("turn", &self.users)].concat()
    }

    /// Returns a copy, as a store reads that does not decide under its lock.
    #[cfg(feature = "test-stores")]
    pub(crate) fn read(&self, place: &TurnPlace<'_>) -> TurnState {
        self.states(place.kind).get(&*place.id).map(|state| state.clone()).unwrap_or_default()
    }

    /// Overwrites a state, as a store writes that does not decide under its lock.
    #[cfg(feature = "test-stores")]
    pub(crate) fn write(&self, place: &TurnPlace<'_>, state: TurnState) {
        self.states(place.kind).insert((*place.id).into(), state);
    }
}
