//! A store on Redis or Valkey: every operation is one call of a script, which sees and changes one
//! user's keys, all in one slot.

mod codec;
mod counters;
mod decide_codec;
mod family_codec;
mod greeting;
mod inbox;
mod io;
mod key_codec;
mod keys;
mod link;
mod pack;
mod queue;
mod quota_codec;
mod receive;
mod resp;
mod scripts;
mod socket;

use super::registry::Settings;
use crate::core::error::Fault;
use crate::core::op::Op;
use crate::core::store::{Health, Outcome, Sink, Source, Store};
use greeting::Login;
use link::Link;
use redis::{ConnectionAddr, IntoConnectionInfo};
use socket::Address;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};

/// The store.
pub struct RedisStore {
    link: Arc<Link>,
    prefix: String,
}

/// Opens a store; the connection is made in the background.
///
/// # Errors
/// `ERR_LATCHGATE_CONFIG` where the URL cannot be read. It is never repeated: it may hold a password.
pub fn open(settings: &Settings) -> Result<Arc<dyn Store>, Fault> {
    let info = settings.url.as_str().into_connection_info().map_err(|_| {
        Fault::config("store: the URL cannot be read (redis://[user:password@]host[:port][/db])")
    })?;
    let address = match info.addr() {
        ConnectionAddr::Tcp(host, port) => Address::Tcp(host.clone(), *port),
        ConnectionAddr::TcpTls { host, port, insecure, .. } => {
            Address::Tls { host: host.clone(), port: *port, insecure: *insecure }
        }
        #[cfg(unix)]
        ConnectionAddr::Unix(path) => Address::Unix(path.clone()),
        _ => return Err(Fault::config("store: the URL names an address of an unknown kind")),
    };
    let login = Login {
        username: info.redis_settings().username().map(str::to_owned),
        password: info.redis_settings().password().map(str::to_owned),
        database: info.redis_settings().db(),
    };
    let link = Arc::new(Link::new(settings.command_timeout));
    let target = io::Target {
        address,
        login,
        connect_timeout: settings.connect_timeout,
        greeting_timeout: settings.command_timeout,
        watched: settings.watched,
    };
    io::start(Arc::clone(&link), target)
        .map_err(|_| Fault::unavailable("the system gives no thread for the store"))?;
    Ok(Arc::new(RedisStore { link, prefix: settings.prefix.clone() }))
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
        self.link.health()
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
