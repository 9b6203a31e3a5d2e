//! A store on Redis or Valkey: every operation is one call of a script, which sees and changes one
//! user's keys, all in one slot.

mod codec;
mod counters;
mod decide_codec;
mod greeting;
mod inbox;
mod io;
mod key_codec;
mod keys;
mod link;
mod pack;
mod place;
mod poll;
mod queue;
mod quota_codec;
mod receive;
mod resp;
mod scripts;
mod sentinel;
mod socket;
mod url;

use super::registry::Settings;
use crate::core::error::Fault;
use crate::core::op::Op;
use crate::core::store::{Health, Outcome, Sink, Source, Store, Topology};
use link::Link;
use place::Place;
use sentinel::Sentinels;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use url::{Endpoint, Named};

/// The store.
pub struct RedisStore {
    link: Arc<Link>,
    prefix: String,
    topology: Topology,
}

/// Opens a store; the connection is made in the background.
///
/// # Errors
/// `ERR_LATCHGATE_CONFIG` where the URL cannot be read. It is never repeated: it may hold a password.
pub fn open(settings: &Settings) -> Result<Arc<dyn Store>, Fault> {
    let Endpoint { named, login } = url::parse(&settings.url)?;
    let (place, topology) = match named {
        Named::Server(address) => (Place::Fixed(address), Topology::Standalone),
        Named::Sentinels { addresses, name, login } => {
            let sentinels = Sentinels::new(addresses, name, login, settings.connect_timeout);
            (Place::Sentinels(Arc::new(sentinels)), Topology::Sentinel)
        }
        Named::Cluster(_) => return Err(Fault::config("store: 'redis-cluster:' is not built yet")),
    };
    let link = Arc::new(Link::new(settings.command_timeout));
    let target = io::Target {
        place,
        login,
        connect_timeout: settings.connect_timeout,
        greeting_timeout: settings.command_timeout,
        watched: settings.watched,
    };
    io::start(Arc::clone(&link), target)
        .map_err(|_| Fault::unavailable("the system gives no thread for the store"))?;
    Ok(Arc::new(RedisStore { link, prefix: settings.prefix.clone(), topology }))
}

impl Store for RedisStore {
    fn submit(&self, op: Op<'_>, ticket: u64, sink: &Arc<dyn Sink>) -> Option<Outcome> {
        self.link.submit(codec::encode(&self.prefix, &op), ticket, sink)
    }

    fn flush(&self) {
        self.link.flush();
    }

    fn holds_back(&self) -> bool {
        self.link.held.load(Ordering::Relaxed)
    }

    fn watch(&self, sink: Weak<dyn Sink>) {
        self.link.watch(sink);
    }

    fn source(&self) -> Option<Arc<dyn Source>> {
        self.link.source()
    }

    fn receive(&self, source: &Arc<dyn Source>) -> bool {
        self.link.receive(source)
    }

    fn health(&self) -> Health {
        Health { topology: self.topology, ..self.link.health() }
    }

    fn close(&self) {
        self.link.close();
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
        self.link.close();
    }
}
