//! A store on Redis or Valkey: every operation is one call of a script, which sees and changes one
//! user's keys, all in one slot.

mod acks;
mod cluster;
mod codec;
mod counters;
mod credential;
mod decide_codec;
mod family_codec;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod greeting;
mod inbox;
mod io;
mod key_codec;
mod keys;
mod leads;
mod lines;
mod link;
mod listen;
mod pack;
mod place;
mod pointer_codec;
mod poll;
mod prefix;
mod queue;
mod quota_codec;
mod receive;
mod replicas;
mod resp;
mod scripts;
mod sentinel;
mod slots;
mod socket;
mod trouble;
mod turns;
mod url;
mod waiting;

use super::registry::Settings;
use crate::core::error::Fault;
use crate::core::op::Op;
use crate::core::store::{Health, Outcome, Sink, Source, Store, Topology};
use crate::core::turn::TurnGate;
use acks::needs_acks;
use cluster::ClusterStore;
use lines::{Lines, Way};
use listen::Listener;
use place::Place;
use prefix::Prefix;
use sentinel::Sentinels;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use url::{Endpoint, Named};

/// The store on one server, or on what Sentinels name.
pub struct RedisStore {
    lines: Lines,
    listener: Arc<Listener>,
    /// Replicas that are to hold what matters.
    acks: u32,
    prefix: String,
    topology: Topology,
}

/// Opens a store; connections are made in the background.
///
/// # Errors
/// `ERR_LATCHGATE_CONFIG` where the URL cannot be read. It is never repeated: it may hold a password.
pub fn open(settings: &Settings) -> Result<Arc<dyn Store>, Fault> {
    let Endpoint { named, login } = url::parse(&settings.url)?;
    io::ready().map_err(|_| Fault::unavailable("the system gives no thread for the store"))?;
    let way = |place| Way {
        target: io::Target {
            place,
            login: login.clone(),
            prefix: Prefix {
                name: settings.prefix.clone(),
                issuer: settings.issuer.clone(),
                visitor: settings.visitor,
            },
            connect_timeout: settings.connect_timeout,
            greeting_timeout: settings.command_timeout,
            watched: settings.watched,
        },
        timeout: settings.command_timeout,
        prefix: settings.prefix.clone(),
        acks: settings.acks,
    };
    let (place, topology) = match named {
        Named::Server(address) => (Place::Fixed(address), Topology::Standalone),
        Named::Sentinels { addresses, name, login } => {
            let sentinels = Sentinels::new(addresses, name, login, settings.connect_timeout);
            (Place::Sentinels(Arc::new(sentinels)), Topology::Sentinel)
        }
        Named::Cluster(seeds) => {
            // Each node's own takes its place.
            let place = Place::Fixed(seeds[0].clone());
            return Ok(Arc::new(ClusterStore::open(way(place), seeds)));
        }
    };
    let way = way(place);
    let listener = Arc::new(Listener::new(&way, None));
    let lines = Lines::new(way, None);
    let (acks, prefix) = (settings.acks, settings.prefix.clone());
    Ok(Arc::new(RedisStore { lines, listener, acks, prefix, topology }))
}

impl Store for RedisStore {
    fn submit(&self, op: Op<'_>, ticket: u64, sink: &Arc<dyn Sink>) -> Option<Outcome> {
        let link = self.lines.link(self.acks > 0 && needs_acks(&op.act));
        link.submit(codec::encode(&self.prefix, &op, false), ticket, sink)
    }

    fn flush(&self) {
        self.lines.flush();
    }

    fn holds_back(&self) -> bool {
        self.lines.all().any(|link| link.held.load(Ordering::Relaxed))
    }

    fn watch(&self, sink: Weak<dyn Sink>) {
        self.lines.link.watch(sink);
    }

    fn listen(&self, gate: TurnGate, sink: Weak<dyn Sink>) {
        self.listener.listen(gate, sink);
    }

    fn sources(&self) -> Vec<Arc<dyn Source>> {
        self.lines.link.source().into_iter().collect()
    }

    fn receive(&self, source: &Arc<dyn Source>) -> bool {
        self.lines.link.receive(source)
    }

    fn health(&self) -> Health {
        let mut health = self.lines.link.health();
        if health.topology == Topology::Cluster {
            let warning = "the server is one node of a Cluster: its slots alone can be used; say redis-cluster:";
            health.warnings.push(warning.into());
        }
        health.warnings.extend(self.listener.warnings());
        Health { topology: self.topology, ..health }
    }

    fn close(&self) {
        self.lines.close();
        self.listener.close();
    }

    /// Nothing to do: the server expires keys, and every script clears its record.
    fn sweep(&self) -> usize {
        0
    }

    /// The server is asked by its own tools.
    fn dump(&self) -> String {
        String::new()
    }
}

impl Drop for RedisStore {
    fn drop(&mut self) {
        self.close();
    }
}
