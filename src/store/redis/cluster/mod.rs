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
use crate::store::redis::cluster::state::ClusterState;
use crate::store::redis::connection::io;
use crate::store::redis::connection::pool::ConnectionConfig;
use crate::store::redis::net::socket::Address;
use crate::store::redis::protocol::codec;
use crate::store::redis::pubsub::Listener;
use std::sync::{Arc, Weak};

/// The store.
pub struct ClusterStore {
    state: Arc<ClusterState>,
    listener: Arc<Listener>,
}

impl ClusterStore {
    /// Connects in the background, to whichever of these nodes can be reached.
    pub fn open(config: ConnectionConfig, seeds: Vec<Address>) -> Self {
        let state = ClusterState::new(config, seeds);
        io::spawn(topology::maintain(Arc::clone(&state)));
        let nodes = Arc::downgrade(&state);
        let nodes = move || nodes.upgrade().map_or_else(Vec::new, |state| state.addresses());
        let listener = Arc::new(Listener::new(&state.config, Some(Box::new(nodes))));
        Self { state, listener }
    }
}

impl Store for ClusterStore {
    fn submit(&self, op: Op<'_>, ticket: u64, sink: &Arc<dyn Sink>) -> Option<Outcome> {
        if matches!(op.act, Act::Ping) {
            return self.state.ask_all(ticket, sink);
        }
        let acks = self.state.config.acks > 0 && op.act.row().acks == Acks::Awaited;
        self.state.submit(codec::encode(&self.state.config.prefix, &op, true), acks, ticket, sink)
    }

    fn flush(&self) {
        self.state.flush();
    }

    fn holds_back(&self) -> bool {
        self.state.holds_back()
    }

    fn watch(&self, sink: Weak<dyn Sink>) {
        self.state.watch(sink);
    }

    fn listen(&self, gate: TurnGate, sink: Weak<dyn Sink>) {
        self.listener.listen(gate, sink);
    }

    fn sources(&self) -> Vec<Arc<dyn Source>> {
        health::sources(&self.state)
    }

    fn receive(&self, source: &Arc<dyn Source>) -> bool {
        health::receive(&self.state, source)
    }

    fn health(&self) -> Health {
        let mut health = health::health(&self.state);
        health.warnings.extend(self.listener.warnings());
        health
    }

    fn close(&self) {
        self.state.close();
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
