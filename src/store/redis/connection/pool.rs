//! The connections to one server: one for all calls, and, made when it is first needed, one for those that
//! replicas are to hold.

use super::acks::Acks;
use super::connection::{Connection, Router};
use super::io;
use super::io::Target;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// What the two have in common.
#[derive(Clone)]
pub struct ConnectionConfig {
    pub target: Target,
    pub timeout: Duration,
    /// What the names of all keys begin with.
    pub prefix: String,
    /// Replicas that are to hold what is told, where it matters.
    pub acks: u32,
}

/// See the module.
pub struct Pool {
    pub connection: Arc<Connection>,
    acknowledged: OnceLock<Arc<Connection>>,
    pub config: ConnectionConfig,
    make_router: Option<MakeRouter>,
}

/// Each connection of one of several servers has its own.
pub type MakeRouter = Box<dyn Fn() -> Box<dyn Router> + Send + Sync>;

impl Pool {
    /// Connects in the background.
    pub fn new(config: ConnectionConfig, make_router: Option<MakeRouter>) -> Self {
        let connection = Arc::new(make_connection(&config, make_router.as_ref()));
        io::start(Arc::clone(&connection), config.target.clone());
        Self { connection, acknowledged: OnceLock::new(), config, make_router }
    }

    /// The connection for a call.
    pub fn connection(&self, acks: bool) -> &Arc<Connection> {
        if !acks {
            return &self.connection;
        }
        self.acknowledged.get_or_init(|| {
            let ConnectionConfig { target, timeout, prefix, acks } = &self.config;
            let connection = make_connection(&self.config, self.make_router.as_ref());
            let connection = Arc::new(connection.acknowledged(Acks::new(*acks, prefix, *timeout)));
            // Its answers come rarely, and late: nobody watches for them.
            let target = Target { watched: false, ..target.clone() };
            io::start(Arc::clone(&connection), target);
            connection
        })
    }

    pub fn all(&self) -> impl Iterator<Item = &Arc<Connection>> {
        std::iter::once(&self.connection).chain(self.acknowledged.get())
    }

    pub fn flush(&self) {
        for connection in self.all() {
            connection.flush();
        }
    }

    pub fn close(&self) {
        for connection in self.all() {
            connection.close();
        }
    }
}

fn make_connection(config: &ConnectionConfig, make_router: Option<&MakeRouter>) -> Connection {
    match make_router {
        Some(make) => Connection::routed(config.timeout, &config.prefix, make()),
        None => Connection::new(config.timeout, &config.prefix),
    }
}
