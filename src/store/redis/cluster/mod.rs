//! A store on a Cluster: a connection to every node that serves slots, each call over that of its slot, and
//! what a node sends elsewhere after it.

pub(crate) mod broadcast;
pub(crate) mod health;
pub(crate) mod map;
pub(crate) mod node;
pub(crate) mod state;
pub(crate) mod topology;

use crate::core::op::{Acks, Outcome};
use crate::core::op::{Act, Op};
use crate::core::store::{Health, Sink, Source, Store};
use crate::core::turn::ops::TurnGate;
use crate::store::redis::cluster::state::Shared;
use crate::store::redis::connection::io;
use crate::store::redis::connection::pool::Way;
use crate::store::redis::net::socket::Address;
use crate::store::redis::protocol::codec;
use crate::store::redis::pubsub::Listener;
use std::sync::{Arc, Weak};

/// The store.
pub struct ClusterStore {
    shared: Arc<Shared>,
    listener: Arc<Listener>,
}

impl ClusterStore {
    /// Connects in the background, to whichever of these nodes can be reached.
    pub fn open(way: Way, seeds: Vec<Address>) -> Self {
        let shared = Shared::new(way, seeds);
        io::spawn(topology::tend(Arc::clone(&shared)));
        let nodes = Arc::downgrade(&shared);
        let nodes = move || nodes.upgrade().map_or_else(Vec::new, |shared| shared.addresses());
        let listener = Arc::new(Listener::new(&shared.way, Some(Box::new(nodes))));
        Self { shared, listener }
    }
}

impl Store for ClusterStore {
    fn submit(&self, op: Op<'_>, ticket: u64, sink: &Arc<dyn Sink>) -> Option<Outcome> {
        if matches!(op.act, Act::Ping) {
            return self.shared.ask_all(ticket, sink);
        }
        let acks = self.shared.way.acks > 0 && op.act.row().acks == Acks::Awaited;
        self.shared.submit(codec::encode(&self.shared.way.prefix, &op, true), acks, ticket, sink)
    }

    fn flush(&self) {
        self.shared.flush();
    }

    fn holds_back(&self) -> bool {
        self.shared.holds_back()
    }

    fn watch(&self, sink: Weak<dyn Sink>) {
        self.shared.watch(sink);
    }

    fn listen(&self, gate: TurnGate, sink: Weak<dyn Sink>) {
        self.listener.listen(gate, sink);
    }

    fn sources(&self) -> Vec<Arc<dyn Source>> {
        health::sources(&self.shared)
    }

    fn receive(&self, source: &Arc<dyn Source>) -> bool {
        health::receive(&self.shared, source)
    }

    fn health(&self) -> Health {
        let mut health = health::health(&self.shared);
        health.warnings.extend(self.listener.warnings());
        health
    }

    fn close(&self) {
        self.shared.close();
        self.listener.close();
    }

    /// Nothing to do: the servers expire keys, and every script clears its record.
    fn sweep(&self) -> usize {
        0
    }

    /// The servers are asked by their own tools.
    fn dump(&self) -> String {
        String::new()
    }
}

impl Drop for ClusterStore {
    fn drop(&mut self) {
        self.close();
    }
}
