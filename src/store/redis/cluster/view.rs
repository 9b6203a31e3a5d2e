//! What a Cluster is seen to be at this moment, for those who watch it.

use super::map::Map;
use super::shared::Shared;
use crate::core::store::{Health, Source, Topology};
use crate::store::redis::socket::Address;
use std::sync::Arc;
use std::sync::atomic::Ordering;

impl Shared {
    pub fn sources(&self) -> Vec<Arc<dyn Source>> {
        let nodes = self.read(|map| map.nodes().to_vec());
        nodes.iter().filter_map(|node| node.lines.link.source()).collect()
    }

    pub fn receive(&self, source: &Arc<dyn Source>) -> bool {
        let nodes = self.read(|map| map.nodes().to_vec());
        nodes.iter().any(|node| node.lines.link.receive(source))
    }

    pub fn health(&self) -> Health {
        let (known, owners) = self.read(|map| (map.known, map.owners()));
        let mut health = Health { topology: Topology::Cluster, ..Health::default() };
        health.connected = known && self.is_whole();
        for node in owners {
            let own = node.lines.link.health();
            health.connected &= own.connected;
            health.version = health.version.or(own.version);
            let named = own.warnings.into_iter().map(|text| format!("{}: {text}", node.name));
            health.warnings.extend(named);
            if !own.connected {
                health.unreachable.push(node.name.clone());
            }
            health.primaries.push(node.name.clone());
        }
        health
    }

    /// Whether that node serves slots.
    pub fn serves(&self, address: &Address) -> bool {
        self.read(|map| map.owners().iter().any(|node| node.address == *address))
    }

    /// One that serves slots and can be reached, as far as is known; another each time.
    pub fn any_node(&self) -> Option<Address> {
        let mut owners = self.read(Map::owners);
        owners.retain(|node| node.lines.link.trouble().is_none());
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) % owners.len().max(1);
        owners.get(turn).map(|node| node.address.clone())
    }
}
