//! A store on Redis or Valkey: every operation is one call of a script, which sees and changes one
//! user's keys, all in one slot.

pub(crate) mod cluster;
pub(crate) mod connection;
pub(crate) mod endpoint;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
pub(crate) mod net;
pub(crate) mod protocol;
pub(crate) mod pubsub;

use crate::core::base::error::Fault;
use crate::core::op::Outcome;
use crate::core::op::{Acks, Op};
use crate::core::store::{Health, Sink, Source, Store, Topology};
use crate::core::turn::ops::TurnGate;
use crate::store::redis::cluster::ClusterStore;
use crate::store::redis::connection::pool::{ConnectionConfig, Pool};
use crate::store::redis::endpoint::prefix::Prefix;
use crate::store::redis::endpoint::resolver::EndpointResolver;
use crate::store::redis::endpoint::sentinel::Sentinels;
use crate::store::redis::endpoint::url::{Endpoint, Named};
use crate::store::redis::pubsub::Listener;
use crate::store::settings::Settings;
use connection::io;
use endpoint::url;
use protocol::codec;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};

/// The store on one server, or on what Sentinels name.
pub struct RedisStore {
    pool: Pool,
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
    let config = |resolver| ConnectionConfig {
        target: io::Target {
            resolver,
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
    let (resolver, topology) = match named {
        Named::Server(address) => (EndpointResolver::Fixed(address), Topology::Standalone),
        Named::Sentinels { addresses, name, login } => {
            let sentinels = Sentinels::new(addresses, name, login, settings.connect_timeout);
            (EndpointResolver::Sentinels(Arc::new(sentinels)), Topology::Sentinel)
        }
        Named::Cluster(seeds) => {
            // Each node's own takes its place.
            let resolver = EndpointResolver::Fixed(seeds[0].clone());
            return Ok(Arc::new(ClusterStore::open(config(resolver), seeds)));
        }
    };
    let config = config(resolver);
    let listener = Arc::new(Listener::new(&config, None));
    let pool = Pool::new(config, None);
    let (acks, prefix) = (settings.acks, settings.prefix.clone());
    Ok(Arc::new(RedisStore { pool, listener, acks, prefix, topology }))
}

impl Store for RedisStore {
    fn submit(&self, op: Op<'_>, ticket: u64, sink: &Arc<dyn Sink>) -> Option<Outcome> {
        let connection = self.pool.connection(self.acks > 0 && op.act.row().acks == Acks::Awaited);
        connection.submit(codec::encode(&self.prefix, &op, false), ticket, sink)
    }

    fn flush(&self) {
        self.pool.flush();
    }

    fn holds_back(&self) -> bool {
        self.pool.all().any(|connection| connection.held.load(Ordering::Relaxed))
    }

    fn watch(&self, sink: Weak<dyn Sink>) {
        self.pool.connection.watch(sink);
    }

    fn listen(&self, gate: TurnGate, sink: Weak<dyn Sink>) {
        self.listener.listen(gate, sink);
    }

    fn sources(&self) -> Vec<Arc<dyn Source>> {
        self.pool.connection.source().into_iter().collect()
    }

    fn receive(&self, source: &Arc<dyn Source>) -> bool {
        self.pool.connection.receive(source)
    }

    fn health(&self) -> Health {
        let mut health = self.pool.connection.health();
        if health.topology == Topology::Cluster {
            let warning = "the server is one node of a Cluster: its slots alone can be used; say redis-cluster:";
            health.warnings.push(warning.into());
        }
        health.warnings.extend(self.listener.warnings());
        Health { topology: self.topology, ..health }
    }

    fn close(&self) {
        self.pool.close();
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
