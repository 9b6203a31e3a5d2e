//! One node of a Cluster: its connections, and what they tell the store.

use super::state::Shared;
use crate::core::base::error::Fault;
use crate::core::op::Outcome;
use crate::core::store::{Notice, Sink};
use crate::store::redis::connection::connection::Router;
use crate::store::redis::connection::io::Target;
use crate::store::redis::connection::pending::Waiting;
use crate::store::redis::connection::pool::{Lines, Way};
use crate::store::redis::endpoint::resolver::Place;
use crate::store::redis::net::slots::Redirect;
use crate::store::redis::net::socket::Address;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

/// A node that serves no slot is kept for so long after a call was sent there: a slot may be on its way.
const LINGERS: Duration = Duration::from_secs(30);

/// See the module.
pub struct Node {
    pub address: Address,
    pub name: String,
    pub lines: Lines,
    /// When a call was last sent here that its slot's map does not send here.
    asked: Mutex<Option<Instant>>,
    /// What the link tells; it holds it weakly.
    _told: Arc<dyn Sink>,
}

/// What a node's connections know of the others.
struct Here {
    shared: Weak<Shared>,
    address: Address,
}

impl Node {
    /// Connects in the background.
    pub fn start(shared: &Weak<Shared>, way: &Way, address: &Address) -> Self {
        let target = Target { place: Place::Fixed(address.clone()), ..way.target.clone() };
        let here = (shared.clone(), address.clone());
        let make_router = Box::new(move || {
            let (shared, address) = here.clone();
            Box::new(Here { shared, address }) as Box<dyn Router>
        });
        let lines = Lines::new(Way { target, ..way.clone() }, Some(make_router));
        let told: Arc<dyn Sink> =
            Arc::new(Here { shared: shared.clone(), address: address.clone() });
        lines.link.watch(Arc::downgrade(&told));
        let (address, name) = (address.clone(), address.to_string());
        Self { address, name, lines, asked: Mutex::default(), _told: told }
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

impl Router for Here {
    fn route(&self, waiting: Waiting, why: Redirect) {
        match self.shared.upgrade() {
            Some(shared) => shared.redirect(&self.address, waiting, why),
            None => waiting.refuse(Fault::unavailable("the store was closed")),
        }
    }
}

impl Sink for Here {
    fn complete(&self, _ticket: u64, _outcome: Outcome) {}

    fn notice(&self, notice: Notice) {
        let Some(shared) = self.shared.upgrade() else { return };
        match notice {
            Notice::Lost(_) | Notice::Recovered => shared.node_changed(),
            other => shared.tell(&[other]),
        }
    }
}
