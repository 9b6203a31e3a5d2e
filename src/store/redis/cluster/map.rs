//! Which node serves which slot.

use super::node::Node;
use crate::core::base::hash_slot::BUCKETS;
use crate::store::redis::net::slots::Range;
use crate::store::redis::net::socket::Address;
use std::sync::Arc;

const NOBODY: u16 = u16::MAX;

/// The map, and the nodes that it names.
pub struct Map {
    /// Of each slot the place of its node among `nodes`.
    slots: Vec<u16>,
    /// Those that serve slots, and such as calls were sent to of late.
    nodes: Vec<Arc<Node>>,
    /// There has been an answer to who serves what.
    pub known: bool,
}

impl Map {
    pub fn new() -> Self {
        Self { slots: vec![NOBODY; usize::from(BUCKETS)], nodes: Vec::new(), known: false }
    }

    /// Who serves a slot.
    pub fn owner(&self, slot: u16) -> Option<&Arc<Node>> {
        let place = *self.slots.get(usize::from(slot))?;
        self.nodes.get(usize::from(place))
    }

    pub fn nodes(&self) -> &[Arc<Node>] {
        &self.nodes
    }

    /// Those that serve slots.
    pub fn owners(&self) -> Vec<Arc<Node>> {
        let mut serves = vec![false; self.nodes.len()];
        for place in self.slots.iter().filter(|place| **place != NOBODY) {
            serves[usize::from(*place)] = true;
        }
        let owners = self.nodes.iter().zip(serves).filter(|(_, serves)| *serves);
        owners.map(|(node, _)| Arc::clone(node)).collect()
    }

    /// How many slots nobody serves.
    pub fn uncovered(&self) -> usize {
        self.slots.iter().filter(|place| **place == NOBODY).count()
    }

    /// The place of a node, which is made where it is new.
    pub fn place(&mut self, address: &Address, make: impl FnOnce() -> Arc<Node>) -> u16 {
        let found = self.nodes.iter().position(|node| node.address == *address);
        let place = found.unwrap_or_else(|| {
            self.nodes.push(make());
            self.nodes.len() - 1
        });
        u16::try_from(place).unwrap_or(NOBODY)
    }

    /// A slot has a new owner.
    pub fn point(&mut self, slot: u16, place: u16) {
        self.slots[usize::from(slot)] = place;
    }

    /// Takes over what a node has answered. Returns the nodes that are of no use any more.
    pub fn adopt(
        &mut self,
        ranges: &[Range],
        make: impl Fn(&Address) -> Arc<Node>,
    ) -> Vec<Arc<Node>> {
        let mut next = Self::new();
        next.known = true;
        let before = std::mem::take(&mut self.nodes);
        let known = |address: &Address| before.iter().find(|node| node.address == *address);
        for Range { first, last, primary } in ranges {
            let place =
                next.place(primary, || known(primary).cloned().unwrap_or_else(|| make(primary)));
            next.slots[usize::from(*first)..=usize::from(*last)].fill(place);
        }
        let mut gone = Vec::new();
        for node in before {
            let stays = next.nodes.iter().any(|other| Arc::ptr_eq(other, &node));
            if !stays && node.is_in_use() {
                next.nodes.push(node);
            } else if !stays {
                gone.push(node);
            }
        }
        *self = next;
        gone
    }
}
