//! What a Cluster is seen to be at this moment, for those who watch it.

use super::state::Shared;
use crate::core::store::{Health, Source, Topology};
use std::sync::Arc;

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
            health.damaged |= own.damaged;
            if !own.connected {
                health.unreachable.push(node.name.clone());
            }
            health.primaries.push(node.name.clone());
        }
        health
    }
}
