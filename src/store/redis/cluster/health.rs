//! What a Cluster is seen to be at this moment, for those who watch it.

use super::state::ClusterState;
use crate::core::store::{Health, Source, Topology};
use std::sync::Arc;

/// What the thread that asks should watch.
pub fn sources(state: &ClusterState) -> Vec<Arc<dyn Source>> {
    let nodes = state.read(|map| map.nodes().to_vec());
    nodes.iter().filter_map(|node| node.pool.connection.source()).collect()
}

/// Reads and takes in what has arrived. False: the source is of no use any more.
pub fn receive(state: &ClusterState, source: &Arc<dyn Source>) -> bool {
    let nodes = state.read(|map| map.nodes().to_vec());
    nodes.iter().any(|node| node.pool.connection.receive(source))
}

/// What is known of the nodes.
pub fn health(state: &ClusterState) -> Health {
    let (known, owners) = state.read(|map| (map.known, map.owners()));
    let mut health = Health { topology: Topology::Cluster, ..Health::default() };
    health.connected = known && state.is_whole();
    for node in owners {
        let own = node.pool.connection.health();
        health.connected &= own.connected;
        health.version = health.version.or(own.version);
        let named = own.warnings.into_iter().map(|text| format!("{}: {text}", node.name));
        health.warnings.extend(named);
        health.damaged |= own.damaged;
        if !own.connected {
            health.unreachable.push(node.name.clone());
        }
        health.primaries.push(node.name.clone());
    }
    health
}
