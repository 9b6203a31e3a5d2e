//! The interface of a store: it takes one operation, and gives one answer, immediately or later.

use super::op::Op;
use crate::core::op::Outcome;
use crate::core::turn::ops::{TurnGate, TurnTicket};
use std::sync::{Arc, Weak};

/// Receives the outcomes that did not come immediately. Called from any thread, at most once per ticket.
pub trait Sink: Send + Sync {
    /// The result of the operation submitted under `ticket`.
    fn complete(&self, ticket: u64, outcome: Outcome);

    /// The results of several operations.
    fn complete_all(&self, batch: Vec<(u64, Outcome)>) {
        for (ticket, outcome) in batch {
            self.complete(ticket, outcome);
        }
    }

    /// A notice of the store.
    fn notice(&self, _notice: Notice) {}
}

/// The socket on which a store's answers arrive, for a caller that polls it in an event loop of its own. It stays open
/// until its last reference is dropped.
pub trait Source: Send + Sync {
    /// Its file descriptor.
    fn descriptor(&self) -> i32;
}

/// A notice of a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// `sources` has one more entry.
    Opened,
    /// The store cannot be reached; the reason.
    Lost(String),
    /// The store can be reached again.
    Recovered,
    /// The store has met a foreign value under its keys; see `Health::damaged`.
    Damaged,
    /// The turn that this ticket waits for is reserved for it. The caller should ask.
    Turn(TurnTicket),
    /// A credential of this user was revoked, or a session ended, was evicted, or the user was blocked. Callers that watch a
    /// credential of the user should ask whether it is valid.
    Revoked(String),
    /// Notices of turns and revocations arrive from now on. Earlier notices may be lost: callers that wait should ask again.
    Listening,
}

/// The servers of a store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Topology {
    /// This process.
    #[default]
    Embedded,
    /// One server.
    Standalone,
    /// A primary that Sentinels report.
    Sentinel,
    /// A Cluster.
    Cluster,
}

/// The state of a store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// The store can be reached.
    pub connected: bool,
    /// The server's version.
    pub version: Option<String>,
    /// The servers of the store.
    pub topology: Topology,
    /// The servers that take writes, as `host:port` or the path of a socket.
    pub primaries: Vec<String>,
    /// The primaries that cannot be reached.
    pub unreachable: Vec<String>,
    /// Settings that the operator should check.
    pub warnings: Vec<String>,
    /// The store has met a foreign value under its keys.
    pub damaged: bool,
}

/// A store of user records. Every operation is atomic: it takes effect as a whole or not at all, with respect to every
/// other operation on the same user.
pub trait Store: Send + Sync {
    /// Submits one operation. `Some`: its outcome. `None`: `sink` receives the outcome under `ticket`.
    fn submit(&self, op: Op<'_>, ticket: u64, sink: &Arc<dyn Sink>) -> Option<Outcome>;

    /// Sends the calls that were held for a batch.
    fn flush(&self) {}

    /// Whether calls are held until `flush`.
    fn holds_back(&self) -> bool {
        false
    }

    /// Notifies this sink of losses and recoveries.
    fn watch(&self, _sink: Weak<dyn Sink>) {}

    /// Notifies this sink of turns that are reserved for tickets of this gate, and of revocations. [`Notice::Listening`]
    /// reports a gap. Called once for each gate, before it waits or watches.
    fn listen(&self, _gate: TurnGate, _sink: Weak<dyn Sink>) {}

    /// The sockets that the calling thread should poll. It calls `receive` when a socket is readable.
    fn sources(&self) -> Vec<Arc<dyn Source>> {
        Vec::new()
    }

    /// Reads the data that has arrived. False: the source is closed.
    fn receive(&self, _source: &Arc<dyn Source>) -> bool {
        false
    }

    /// An Auth with this first issuer uses the store.
    fn enter(&self, _issuer: &str) {}

    /// The state of the store.
    fn health(&self) -> Health {
        Health { connected: true, ..Health::default() }
    }

    /// Closes its connections.
    fn close(&self) {}

    /// Drops expired data from a slice of the store, and returns how many records it dropped. Bounded in time: the thread that
    /// serves requests calls it.
    fn sweep(&self) -> usize;

    /// All data in the store at this moment, one line a record, sorted, without expired data. For tests and diagnosis.
    fn dump(&self) -> String;
}
