//! The task that keeps the map: asked for again from time to time, and at once where a node sent somebody
//! elsewhere or was lost.

use super::state::ClusterState;
use crate::store::redis::connection::io::spawn;
use crate::store::redis::endpoint::poll::{Dated, newest, question};
use crate::store::redis::net::resp::{Reply, command};
use crate::store::redis::net::slots::{Range, epoch, ranges};
use crate::store::redis::net::socket::Address;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::time::{Instant, interval, sleep};

/// How often parked calls are looked at.
const TICK: Duration = Duration::from_millis(20);
/// How often the map is asked for: where all is well, where something is lost, and at most.
const AGAIN: Duration = Duration::from_secs(10);
const SOON: Duration = Duration::from_millis(250);
const LEAST: Duration = Duration::from_millis(100);
/// Nodes that are asked at once.
const ASKED: usize = 3;

type Heard = io::Result<Dated<Vec<Range>>>;

/// Runs until the store is closed.
pub async fn maintain(state: Arc<ClusterState>) {
    let mut tick = interval(TICK);
    let mut asked = Instant::now();
    let mut due = asked;
    let mut asking = Box::pin(inquire(&state));
    let mut is_asking = true;
    while !state.is_closed() {
        tokio::select! {
            heard = &mut asking, if is_asking => {
                is_asking = false;
                take(&state, heard);
                due = asked + if state.is_whole() { AGAIN } else { SOON };
            }
            () = state.stale.notified(), if !is_asking => due = due.min(asked + LEAST),
            _ = tick.tick() => state.release(),
        }
        if !is_asking && due <= Instant::now() {
            asked = Instant::now();
            asking.set(inquire(&state));
            is_asking = true;
        }
    }
    state.release();
}

fn take(state: &Arc<ClusterState>, heard: Heard) {
    match heard {
        Ok(Dated { epoch, what }) => {
            state.epoch.store(epoch, Ordering::Relaxed);
            for node in state.adopt(&what) {
                // What was sent may still be answered.
                let timeout = state.config.timeout;
                spawn(async move {
                    sleep(timeout).await;
                    node.pool.close();
                });
            }
        }
        Err(why) => state.has_no_map(&why.to_string()),
    }
}

/// Asks a few nodes who serves what: such as can be reached before others, and others each time.
async fn inquire(state: &ClusterState) -> Heard {
    let mut nodes = state.read(|map| {
        let known = map.nodes().iter();
        known
            .map(|node| (node.pool.connection.connect_error().is_some(), node.address.clone()))
            .collect()
    });
    add_seeds(&mut nodes, &state.seeds);
    let turn = state.turn.fetch_add(1, Ordering::Relaxed) % nodes.len().max(1);
    nodes.rotate_left(turn);
    nodes.sort_by_key(|(in_trouble, _)| *in_trouble);
    let within = state.config.target.connect_timeout;
    let asking = nodes.into_iter().take(ASKED).map(|(_, address)| {
        let login = state.config.target.login.clone();
        async move {
            let commands = [command(&[b"CLUSTER", b"SLOTS"]), command(&[b"CLUSTER", b"INFO"])];
            let replies = question(&address, &login, &commands, within).await?;
            read(&replies, &address)
        }
    });
    newest(asking.collect(), state.epoch.load(Ordering::Relaxed)).await
}

fn add_seeds(nodes: &mut Vec<(bool, Address)>, seeds: &[Address]) {
    for seed in seeds {
        if !nodes.iter().any(|(_, known)| known == seed) {
            nodes.push((false, seed.clone()));
        }
    }
}

fn read(replies: &[Reply], asked: &Address) -> Heard {
    let [slots, info] = replies else { return Err(io::ErrorKind::UnexpectedEof.into()) };
    if let Reply::Error(message) = slots {
        let code = message.split(' ').next().unwrap_or_default();
        let why = format!("the server is no node of a Cluster, or may not be asked ({code})");
        return Err(io::Error::other(why));
    }
    let what = ranges(slots, asked)
        .ok_or_else(|| io::Error::other("it does not speak the protocol of Redis"))?;
    if what.is_empty() {
        return Err(io::Error::other("the node knows of nobody who serves slots"));
    }
    Ok(Dated { epoch: epoch(info), what })
}
