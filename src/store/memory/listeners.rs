//! Who is told of turns and of revocations in the embedded store.

use crate::core::store::{Notice, Sink};
use crate::core::turn::ops::{TurnGate, TurnTicket, gate_of};
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock, Weak};

/// Sinks by the gate whose tickets they hold.
///
/// The lock is held for one look-up or change, last of all locks. A sink is called with no lock held.
#[derive(Default)]
pub(crate) struct Listeners {
    gates: RwLock<HashMap<TurnGate, Listener, ahash::RandomState>>,
    /// Those that are told of revocations: without any, nobody pays.
    watching: AtomicUsize,
}

struct Listener {
    sink: Weak<dyn Sink>,
    watches: bool,
}

/// A ticket that is to be woken, and by whom.
pub(crate) type Woken = (TurnTicket, Arc<dyn Sink>);

/// Hands an answer out, and tells whoever is woken by it. With no lock held.
pub(crate) fn tell<T>((answer, woken): (T, Option<Woken>)) -> T {
    if let Some((ticket, sink)) = woken {
        sink.notice(Notice::Turn(ticket));
    }
    answer
}

impl Listeners {
    /// From now on it is told of turns, and of revocations. What it has missed is not known.
    pub(crate) fn listen(&self, gate: TurnGate, sink: &Weak<dyn Sink>) {
        let Some(alive) = sink.upgrade() else { return };
        let mut gates = self.gates.write().unwrap_or_else(PoisonError::into_inner);
        // Threads and Auths come and go.
        gates.retain(|_, listener| listener.sink.strong_count() > 0);
        gates.insert(gate, Listener { sink: Weak::clone(sink), watches: true });
        let watching = gates.values().filter(|listener| listener.watches).count();
        self.watching.store(watching, Ordering::SeqCst);
        drop(gates);
        alive.notice(Notice::Listening);
    }

    /// Whoever asks can be woken.
    pub(crate) fn expect(&self, ticket: &TurnTicket, sink: &Arc<dyn Sink>) {
        let gate = gate_of(ticket);
        if self.gates.read().unwrap_or_else(PoisonError::into_inner).contains_key(&gate) {
            return;
        }
        let mut gates = self.gates.write().unwrap_or_else(PoisonError::into_inner);
        gates.retain(|_, listener| listener.sink.strong_count() > 0);
        let sink = Arc::downgrade(sink);
        gates.entry(gate).or_insert(Listener { sink, watches: false });
    }

    /// Who wakes a ticket; `None`: nobody would hear.
    pub(crate) fn of(&self, ticket: &TurnTicket) -> Option<Woken> {
        let gates = self.gates.read().unwrap_or_else(PoisonError::into_inner);
        let sink = gates.get(&gate_of(ticket))?.sink.upgrade()?;
        Some((*ticket, sink))
    }

    /// Tells all who watch that something of a user has fallen.
    pub(crate) fn revoked(&self, user: &str) {
        if self.watching.load(Ordering::SeqCst) == 0 {
            return;
        }
        let sinks: Vec<_> = {
            let gates = self.gates.read().unwrap_or_else(PoisonError::into_inner);
            let watching = gates.values().filter(|listener| listener.watches);
            watching.filter_map(|listener| listener.sink.upgrade()).collect()
        };
        for sink in sinks {
            sink.notice(Notice::Revoked(user.to_owned()));
        }
    }
}
