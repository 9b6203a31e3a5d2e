//! The listeners of the embedded store, which are notified of turns and of revocations.

use crate::core::store::{Notice, Sink};
use crate::core::turn::ops::{TurnGate, TurnTicket, gate_of};
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock, Weak};

/// Sinks, by the gate whose tickets they hold.
///
/// The lock is held for one look-up or one change, and is the last in the order of locks. No lock is held
/// while a sink is called.
#[derive(Default)]
pub(crate) struct Listeners {
    gates: RwLock<HashMap<TurnGate, Listener, ahash::RandomState>>,
    /// Number of listeners for revocations. If it is 0, a revocation costs nothing here.
    watching: AtomicUsize,
}

struct Listener {
    sink: Weak<dyn Sink>,
    watches: bool,
}

/// A ticket to wake, and the sink that wakes it.
pub(crate) type Woken = (TurnTicket, Arc<dyn Sink>);

/// Notifies the sink of a woken ticket, and returns the answer. The caller must hold no lock.
pub(crate) fn tell<T>((answer, woken): (T, Option<Woken>)) -> T {
    if let Some((ticket, sink)) = woken {
        sink.notice(Notice::Turn(ticket));
    }
    answer
}

impl Listeners {
    /// Registers a sink for turns and for revocations. Events before the call are not replayed.
    pub(crate) fn listen(&self, gate: TurnGate, sink: &Weak<dyn Sink>) {
        let Some(alive) = sink.upgrade() else { return };
        let mut gates = self.gates.write().unwrap_or_else(PoisonError::into_inner);
        // Threads and Auths can be gone.
        gates.retain(|_, listener| listener.sink.strong_count() > 0);
        gates.insert(gate, Listener { sink: Weak::clone(sink), watches: true });
        let watching = gates.values().filter(|listener| listener.watches).count();
        self.watching.store(watching, Ordering::SeqCst);
        drop(gates);
        alive.notice(Notice::Listening);
    }

    /// Registers the sink of a caller, so that the caller can be woken.
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

    /// Returns the sink that wakes a ticket. `None`: no sink is alive.
    pub(crate) fn of(&self, ticket: &TurnTicket) -> Option<Woken> {
        let gates = self.gates.read().unwrap_or_else(PoisonError::into_inner);
        let sink = gates.get(&gate_of(ticket))?.sink.upgrade()?;
        Some((*ticket, sink))
    }

    /// Notifies all listeners that a credential of a user may be revoked.
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
