//! What a store is to the rest: it takes one operation and gives one verdict, at once or later.

use super::error::Fault;
use super::op::{Op, Verdict};
use std::sync::Arc;

/// What an operation comes to.
pub type Outcome = Result<Verdict, Fault>;

/// Takes the outcomes that did not come at once. Called from any thread, at most once per ticket.
pub trait Sink: Send + Sync {
    /// The operation submitted under `ticket` came to `outcome`.
    fn complete(&self, ticket: u64, outcome: Outcome);
}

/// A store of user records. Every operation is atomic: it is decided and takes effect as a whole, or
/// not at all, against every other operation on the same user.
pub trait Store: Send + Sync {
    /// Submits one operation. `Some` is its outcome; `None` means that `sink` gets it, under `ticket`.
    fn submit(&self, op: Op<'_>, ticket: u64, sink: &Arc<dyn Sink>) -> Option<Outcome>;

    /// Drops what has expired from a slice of the store and returns how many records went.
    /// Bounded in time: called from the thread that serves requests.
    fn sweep(&self) -> usize;

    /// Everything that stands in the store at this moment, one line a record, sorted; what has
    /// expired is left out. For tests and diagnosis.
    fn dump(&self) -> String;
}
