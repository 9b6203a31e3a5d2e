//! What the store, its nodes and the task that tends the map share. Locks: each guards what its comment
//! says, and none is held while another is taken, or while a sink or a link is called; but the map's, for
//! reading, while a link is looked up.

use super::broadcast::Gather;
use super::map::Map;
use super::node::Node;
use crate::core::base::error::Fault;
use crate::core::op::{Answer, Outcome};
use crate::core::store::{Notice, Sink};
use crate::store::redis::connection::connection::{Connection, MAX_WAITING, Router, tell};
use crate::store::redis::connection::pending::{Stage, Waiting};
use crate::store::redis::connection::pool::ConnectionConfig;
use crate::store::redis::net::slots::{Range, Redirect, bucket_in};
use crate::store::redis::net::socket::Address;
use crate::store::redis::protocol::call::{Plan, Then};
use crate::store::redis::protocol::codec::ping;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, Weak};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// Nodes may contradict each other for a moment; after so many steps a call waits for them to agree.
const MAX_HOPS: u8 = 8;
/// How long a call waits that a node puts off.
const PAUSE: Duration = Duration::from_millis(20);

/// See the module.
pub struct ClusterState {
    me: Weak<Self>,
    pub config: ConnectionConfig,
    pub seeds: Vec<Address>,
    map: RwLock<Map>,
    parked: Mutex<Vec<Parked>>,
    troubles: Mutex<Troubles>,
    held: AtomicBool,
    closed: AtomicBool,
    /// Wakes the task: the map is to be asked for.
    pub stale: Notify,
    /// The newest map that was heard of; 0 before the first.
    pub epoch: AtomicU64,
    /// Whose turn it is to be asked for the map.
    pub turn: AtomicUsize,
}

/// What waits for the map, or for nodes to agree.
enum Parked {
    Call { waiting: Waiting, until: Instant },
    All { ticket: u64, sink: Arc<dyn Sink>, deadline: Instant },
}

#[derive(Default)]
struct Troubles {
    /// Nodes that serve slots and cannot be reached, and why.
    lost: BTreeMap<String, String>,
    /// Why there is no map.
    no_map: Option<String>,
    watchers: Vec<Weak<dyn Sink>>,
}

impl ClusterState {
    pub fn new(config: ConnectionConfig, seeds: Vec<Address>) -> Arc<Self> {
        Arc::new_cyclic(|me| Self {
            me: me.clone(),
            config,
            seeds,
            map: RwLock::new(Map::new()),
            parked: Mutex::default(),
            troubles: Mutex::default(),
            held: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            stale: Notify::new(),
            epoch: AtomicU64::new(0),
            turn: AtomicUsize::new(0),
        })
    }

    pub fn read<T>(&self, see: impl FnOnce(&Map) -> T) -> T {
        see(&self.map.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn change<T>(&self, change: impl FnOnce(&mut Map) -> T) -> T {
        change(&mut self.map.write().unwrap_or_else(PoisonError::into_inner))
    }

    fn parked(&self) -> MutexGuard<'_, Vec<Parked>> {
        self.parked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn troubles(&self) -> MutexGuard<'_, Troubles> {
        self.troubles.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn make_node(&self, address: &Address) -> Arc<Node> {
        let here = Here { state: self.me.clone(), address: address.clone() };
        Arc::new(Node::start(here, &self.config, address))
    }

    /// The nodes that serve slots; before they are known those of the URL.
    pub fn addresses(&self) -> Vec<Address> {
        let owners = self.read(Map::owners);
        if owners.is_empty() {
            return self.seeds.clone();
        }
        owners.iter().map(|node| node.address.clone()).collect()
    }

    /// The way to the node that serves a slot, or whether the map is known in which no node does. It is one look at the map:
    /// another thread may learn it between two.
    fn find(&self, slot: u16, acks: bool) -> Result<Arc<Connection>, bool> {
        self.read(|map| match map.owner(slot) {
            Some(node) => Ok(Arc::clone(node.pool.connection(acks))),
            None => Err(map.known),
        })
    }

    /// Why a call for which there is no link in a map, known or not, is not taken in. `None`: it may wait for the map.
    pub fn refusal(&self, known: bool) -> Option<Fault> {
        if self.is_closed() {
            return Some(Fault::unavailable("the store was closed"));
        }
        if known {
            return Some(Fault::unavailable("no node of the Cluster serves the slot"));
        }
        let why = self.troubles().no_map.clone()?;
        Some(Fault::unavailable(format!("the Cluster cannot be reached: {why}")))
    }

    /// Takes a plan in. `Some`: it was refused, and nothing was sent.
    pub fn submit(
        &self,
        plan: Plan,
        acks: bool,
        ticket: u64,
        sink: &Arc<dyn Sink>,
    ) -> Option<Outcome> {
        let known = match self.find(plan.call.slot, acks) {
            Ok(connection) => {
                let refused = connection.submit(plan, ticket, sink);
                self.hold();
                return refused;
            }
            Err(known) => known,
        };
        if let Some(fault) = self.refusal(known) {
            return Some(Err(fault));
        }
        let now = Instant::now();
        let waiting = Waiting::new(plan, ticket, sink, now + self.config.timeout);
        let parked = Parked::Call { waiting: Waiting { acks, ..waiting }, until: now };
        self.park(parked).map(|(_, fault)| Err(fault))
    }

    /// Something was sent that may be held back until `flush`.
    pub fn hold(&self) {
        self.held.store(true, Ordering::Relaxed);
    }

    /// `Some`: there is no room.
    fn park(&self, one: Parked) -> Option<(Parked, Fault)> {
        let mut parked = self.parked();
        if parked.len() >= MAX_WAITING {
            return Some((one, Fault::unavailable("too many calls wait for the store")));
        }
        parked.push(one);
        None
    }

    /// A question to all nodes waits for the map.
    pub fn park_all(&self, ticket: u64, sink: &Arc<dyn Sink>) -> Option<Outcome> {
        let deadline = Instant::now() + self.config.timeout;
        let one = Parked::All { ticket, sink: Arc::clone(sink), deadline };
        self.park(one).map(|(_, fault)| Err(fault))
    }

    /// Takes a call that a node did not run, or one that follows another.
    pub fn redirect(&self, from: &Address, mut waiting: Waiting, why: Redirect) {
        waiting.hops = waiting.hops.saturating_add(1);
        let is_asked = matches!(why, Redirect::Ask { .. });
        let to = match why {
            Redirect::BySlot => return self.dispatch(Waiting { hops: 0, ..waiting }),
            Redirect::Later => return self.put_off(waiting),
            Redirect::Moved { slot, host, port } => {
                let address = from.beside(&host, port);
                self.stale.notify_one();
                self.change(|map| {
                    let place = map.place(&address, || self.make_node(&address));
                    map.point(slot, place);
                    map.owner(slot).cloned()
                })
            }
            Redirect::Ask { host, port } => {
                let address = from.beside(&host, port);
                self.change(|map| {
                    let place = map.place(&address, || self.make_node(&address));
                    map.nodes().get(usize::from(place)).cloned()
                })
            }
        };
        let Some(node) = to.filter(|_| waiting.hops <= MAX_HOPS) else {
            return self.put_off(waiting);
        };
        if is_asked {
            node.ask();
        }
        waiting.asking = is_asked;
        self.hand_over(node.pool.connection(waiting.acks), waiting);
    }

    fn put_off(&self, waiting: Waiting) {
        self.stale.notify_one();
        let until = Instant::now() + PAUSE;
        let parked = Parked::Call { waiting: Waiting { hops: 0, ..waiting }, until };
        if let Some((Parked::Call { waiting, .. }, fault)) = self.park(parked) {
            self.refuse(waiting, fault);
        }
    }

    /// Sends a call to the node that the map names.
    fn dispatch(&self, waiting: Waiting) {
        let waiting = Waiting { asking: false, ..waiting };
        match self.find(waiting.call.slot, waiting.acks) {
            Ok(connection) => self.hand_over(&connection, waiting),
            Err(known) => {
                let gone = || Fault::unavailable("no node of the Cluster serves the slot");
                self.refuse(waiting, self.refusal(known).unwrap_or_else(gone));
            }
        }
    }

    fn hand_over(&self, connection: &Connection, waiting: Waiting) {
        if let Err(refused) = connection.take_over(waiting) {
            let (waiting, fault) = *refused;
            self.refuse(waiting, fault);
        }
    }

    /// Tells that a call did not run; what one before it has done for it is undone first.
    fn refuse(&self, waiting: Waiting, fault: Fault) {
        let Waiting { stage: Stage::After(_, undo), .. } = waiting else {
            return waiting.refuse(fault);
        };
        let (sink, ticket, deadline) = (waiting.sink, waiting.ticket, waiting.deadline);
        let told = Stage::Told(Box::new(Err(fault.clone())));
        match (undo, sink) {
            (Some(undo), sink @ Some(_)) => {
                self.dispatch(Waiting { ticket, sink, ..Waiting::of(*undo, told, deadline) });
            }
            (None, Some(sink)) => sink.complete(ticket, Err(fault)),
            (_, None) => {}
        }
    }

    /// Asks whether scripts run, on every node. `Some`: it was refused.
    pub fn ask_all(&self, ticket: u64, sink: &Arc<dyn Sink>) -> Option<Outcome> {
        let asked = self.read(|map| {
            let bucket_of = |node| {
                bucket_in(|slot| map.owner(slot).is_some_and(|owner| Arc::ptr_eq(owner, node)))
            };
            let owners = map.owners();
            let buckets: Vec<_> = owners.iter().map(bucket_of).collect();
            let is_whole = map.known && map.uncovered() == 0;
            if is_whole { Ok((owners, buckets)) } else { Err(map.known) }
        });
        let (owners, buckets) = match asked {
            Ok(asked) => asked,
            Err(known) => {
                return match self.refusal(known) {
                    Some(fault) => Some(Err(fault)),
                    None => self.park_all(ticket, sink),
                };
            }
        };
        let gather: Arc<dyn Sink> = Arc::new(Gather::new(sink, ticket, owners.len()));
        for (node, bucket) in owners.iter().zip(buckets) {
            // No bucket of ours lies there: it is not needed.
            let refused = match bucket {
                None => Some(Ok(Answer::Pong(Some(Vec::new())))),
                Some(bucket) => {
                    let plan =
                        Plan { call: ping(&self.config.prefix, bucket), then: Then::Nothing };
                    node.pool.connection.submit(plan, 0, &gather)
                }
            };
            if let Some(outcome) = refused {
                let named = |fault: Fault| Fault {
                    message: format!("{} ({})", fault.message, node.name),
                    ..fault
                };
                gather.complete(0, outcome.map_err(named));
            }
        }
        self.hold();
        None
    }

    /// Sends what waits no longer, and gives up on what waited too long.
    pub fn release(&self) {
        let now = Instant::now();
        let known = self.read(|map| map.known);
        let refusal = self.refusal(known);
        let all = std::mem::take(&mut *self.parked());
        for one in all {
            let late = || {
                Fault::unavailable("the Cluster did not take the call in time: nothing was done")
            };
            let refused = if known { None } else { refusal.clone() };
            match one {
                Parked::Call { waiting, .. } if refused.is_some() || waiting.deadline <= now => {
                    self.refuse(waiting, refused.unwrap_or_else(late));
                }
                Parked::All { ticket, sink, deadline } if refused.is_some() || deadline <= now => {
                    sink.complete(ticket, Err(refused.unwrap_or_else(late)));
                }
                Parked::Call { waiting, until } if known && until <= now => self.dispatch(waiting),
                Parked::All { ticket, sink, .. } if known => {
                    if let Some(outcome) = self.ask_all(ticket, &sink) {
                        sink.complete(ticket, outcome);
                    }
                }
                waits => self.parked().push(waits),
            }
        }
    }

    /// Takes over a map. Returns the nodes that are of no use any more; their calls have gone elsewhere.
    pub fn adopt(&self, ranges: &[Range]) -> Vec<Arc<Node>> {
        let gone = self.change(|map| {
            // Whoever closes takes the map away after saying so: what was made now nobody would end.
            if self.is_closed() {
                return Vec::new();
            }
            map.adopt(ranges, |address| self.make_node(address))
        });
        self.troubles().no_map = None;
        for connection in gone.iter().flat_map(|node| node.pool.all()) {
            for waiting in connection.give_up_unsent().into_iter().filter(|one| one.sink.is_some())
            {
                self.dispatch(waiting);
            }
        }
        self.node_changed();
        self.release();
        gone
    }

    /// Nobody says who serves what.
    pub fn has_no_map(&self, why: &str) {
        self.troubles().no_map = Some(why.to_owned());
        self.node_changed();
        self.release();
    }

    /// Whether all slots are served by nodes that can be reached, as far as is known.
    pub fn is_whole(&self) -> bool {
        self.troubles().lost.is_empty()
    }

    /// Tells of nodes that were lost, or that all are back.
    pub fn node_changed(&self) {
        let (known, uncovered, owners) =
            self.read(|map| (map.known, map.uncovered(), map.owners()));
        let mut lost: BTreeMap<String, String> = owners
            .iter()
            .filter_map(|node| Some((node.name.clone(), node.pool.connection.connect_error()?)))
            .collect();
        if known && uncovered > 0 {
            lost.insert("the Cluster".into(), format!("{uncovered} slots are served by no node"));
        }
        let mut troubles = self.troubles();
        if let Some(why) = troubles.no_map.clone().filter(|_| !known) {
            lost.insert("the Cluster".into(), why);
        }
        let before = std::mem::replace(&mut troubles.lost, lost);
        let is_new = |name: &String| !before.contains_key(name);
        let mut notices: Vec<Notice> = (troubles.lost.iter())
            .filter(|(name, _)| is_new(name))
            .map(|(name, why)| Notice::Lost(format!("{name}: {why}")))
            .collect();
        if troubles.lost.is_empty() && !before.is_empty() {
            notices.push(Notice::Recovered);
        }
        drop(troubles);
        if !self.is_whole() {
            self.stale.notify_one();
        }
        self.tell(&notices);
    }

    pub fn tell(&self, notices: &[Notice]) {
        let watchers = self.troubles().watchers.clone();
        for notice in notices {
            tell(&watchers, notice);
        }
    }

    pub fn watch(&self, sink: Weak<dyn Sink>) {
        self.troubles().watchers.push(sink);
    }

    pub fn holds_back(&self) -> bool {
        self.held.load(Ordering::Relaxed)
    }

    pub fn flush(&self) {
        self.held.store(false, Ordering::Relaxed);
        for node in self.read(|map| map.nodes().to_vec()) {
            node.pool.flush();
        }
    }

    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    pub fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
        self.stale.notify_one();
        for node in self.change(|map| std::mem::replace(map, Map::new())).nodes() {
            node.pool.close();
        }
        self.release();
    }
}

/// What a node's connections know of the others.
#[derive(Clone)]
struct Here {
    state: Weak<ClusterState>,
    address: Address,
}

impl Router for Here {
    fn route(&self, waiting: Waiting, why: Redirect) {
        match self.state.upgrade() {
            Some(state) => state.redirect(&self.address, waiting, why),
            None => waiting.refuse(Fault::unavailable("the store was closed")),
        }
    }
}

impl Sink for Here {
    fn complete(&self, _ticket: u64, _outcome: Outcome) {}

    fn notice(&self, notice: Notice) {
        let Some(state) = self.state.upgrade() else { return };
        match notice {
            Notice::Lost(_) | Notice::Recovered => state.node_changed(),
            other => state.tell(&[other]),
        }
    }
}
