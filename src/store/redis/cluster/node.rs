//! One node of a Cluster: its connections, and what they tell the store.

use crate::core::store::Sink;
use crate::store::redis::connection::connection::Router;
use crate::store::redis::connection::io::Target;
use crate::store::redis::connection::pool::{ConnectionConfig, Pool};
use crate::store::redis::endpoint::resolver::EndpointResolver;
use crate::store::redis::net::socket::Address;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A node that serves no slot is kept for so long after a call was sent there: a slot may be on its way.
const LINGERS: Duration = Duration::from_secs(30);

/// See the module.
pub struct Node {
    pub address: Address,
    pub name: String,
    pub pool: Pool,
    /// When a call was last sent here that its slot's map does not send here.
    asked: Mutex<Option<Instant>>,
    /// What the link tells; it holds it weakly.
    _told: Arc<dyn Sink>,
}

impl Node {
    /// Connects in the background. `here`: takes what is for other nodes, and what is told of this one.
    pub fn start<Here>(here: Here, config: &ConnectionConfig, address: &Address) -> Self
    where
        Here: Router + Sink + Clone + 'static,
    {
        let target =
            Target { resolver: EndpointResolver::Fixed(address.clone()), ..config.target.clone() };
        let router = here.clone();
        let make_router = Box::new(move || Box::new(router.clone()) as Box<dyn Router>);
        let pool = Pool::new(ConnectionConfig { target, ..config.clone() }, Some(make_router));
        let told: Arc<dyn Sink> = Arc::new(here);
        pool.connection.watch(Arc::downgrade(&told));
        let (address, name) = (address.clone(), address.to_string());
        Self { address, name, pool, asked: Mutex::default(), _told: told }
    }

    /// A call is sent here in spite of the map.
    pub fn ask(&self) {
        *self.asked.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// Whether that was of late.
    pub fn is_in_use(&self) -> bool {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.is_some_and(|asked| asked.elapsed() < LINGERS)
    }
}
