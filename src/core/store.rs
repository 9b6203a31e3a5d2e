//! What a store is to the rest: it takes one operation and gives one verdict, at once or later.

use super::op::Op;
use crate::core::op::Outcome;
use crate::core::turn::ops::{TurnGate, TurnTicket};
use std::sync::{Arc, Weak};

/// Takes the outcomes that did not come at once. Called from any thread, at most once per ticket.
pub trait Sink: Send + Sync {
    /// The operation submitted under `ticket` came to `outcome`.
    fn complete(&self, ticket: u64, outcome: Outcome);

    /// The same for many that came together.
    fn complete_all(&self, batch: Vec<(u64, Outcome)>) {
        for (ticket, outcome) in batch {
            self.complete(ticket, outcome);
        }
    }

    /// Something that the store tells unasked.
    fn notice(&self, _notice: Notice) {}
}

/// Where a store's answers arrive, for whoever watches it in an event loop of its own. It stays open
/// until the last one has let go of it.
pub trait Source: Send + Sync {
    /// The system's number for it.
    fn descriptor(&self) -> i32;
}

/// What is told of a store, unasked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// There is another one among `sources`.
    Opened,
    /// It cannot be reached; why.
    Lost(String),
    /// It can be reached again.
    Recovered,
    /// It has met a value that it did not write, where its own should be; `Health::damaged` says so.
    Damaged,
    /// What this ticket waits for is reserved for it: it should ask.
    Turn(TurnTicket),
    /// Something of this user was revoked, ended, evicted or blocked: whoever watches a credential of the user
    /// should ask whether it stands.
    Revoked(String),
    /// From now on it is told of turns and revocations; what came before may be lost: whoever waits should ask once more.
    Listening,
}

/// What a store consists of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Topology {
    /// This process.
    #[default]
    Embedded,
    /// One server.
    Standalone,
    /// A primary that Sentinels name.
    Sentinel,
    /// A Cluster.
    Cluster,
}

/// What is known of a store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// It can be reached.
    pub connected: bool,
    /// The server's version.
    pub version: Option<String>,
    /// What it consists of.
    pub topology: Topology,
    /// Where writes go, as `host:port` or the path of a socket.
    pub primaries: Vec<String>,
    /// Those of them that cannot be reached.
    pub unreachable: Vec<String>,
    /// What its operator should know of its settings.
    pub warnings: Vec<String>,
    /// It has met a value that it did not write, where its own should be.
    pub damaged: bool,
}

/// A store of user records. Every operation is atomic: it is decided and takes effect as a whole, or
/// not at all, against every other operation on the same user.
pub trait Store: Send + Sync {
    /// Submits one operation. `Some` is its outcome; `None` means that `sink` gets it, under `ticket`.
    fn submit(&self, op: Op<'_>, ticket: u64, sink: &Arc<dyn Sink>) -> Option<Outcome>;

    /// Sends what was held back so that it could travel together.
    fn flush(&self) {}

    /// Whether something is held back until `flush`.
    fn holds_back(&self) -> bool {
        false
    }

    /// Tells this sink of losses and recoveries.
    fn watch(&self, _sink: Weak<dyn Sink>) {}

    /// Tells this sink of turns that are reserved for tickets of this gate, and of revocations; of all that is missed
    /// meanwhile by [`Notice::Listening`]. Once for each gate, before it waits or watches.
    fn listen(&self, _gate: TurnGate, _sink: Weak<dyn Sink>) {}

    /// What the thread that asks should watch, and call `receive` where there is something to read.
    fn sources(&self) -> Vec<Arc<dyn Source>> {
        Vec::new()
    }

    /// Takes in what has arrived. False: the source is of no use any more.
    fn receive(&self, _source: &Arc<dyn Source>) -> bool {
        false
    }

    /// An Auth uses it whose first issuer is this one.
    fn enter(&self, _issuer: &str) {}

    /// What is known of it.
    fn health(&self) -> Health {
        Health { connected: true, ..Health::default() }
    }

    /// Ends what it holds open.
    fn close(&self) {}

    /// Drops what has expired from a slice of the store and returns how many records went.
    /// Bounded in time: called from the thread that serves requests.
    fn sweep(&self) -> usize;

    /// Everything that stands in the store at this moment, one line a record, sorted; what has
    /// expired is left out. For tests and diagnosis.
    fn dump(&self) -> String;
}
