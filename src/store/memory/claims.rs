//! The keys of `once` in the embedded store: each is somebody's, until its time has passed or for ever.

use super::shards::sweep_shard;
use crate::core::counter::claim;
use crate::core::counter::claim::Held;
use dashmap::{DashMap, Entry};

/// Keys by name, and who holds each.
///
/// The lock: that of the key's shard, held from finding the key until the change to it. Nothing else is
/// locked meanwhile.
pub(crate) struct Claims(DashMap<Box<str>, Held, ahash::RandomState>);

impl Claims {
    pub(crate) fn new(hasher: &ahash::RandomState, shards: usize) -> Self {
        Self(DashMap::with_hasher_and_shard_amount(hasher.clone(), shards))
    }

    pub(crate) fn take(&self, key: &str, by: &str, ttl_ms: Option<u64>, now_ms: u64) -> bool {
        self.with(key, |held| claim::take(held, by, ttl_ms, now_ms))
    }

    pub(crate) fn release(&self, key: &str, by: &str, now_ms: u64) -> bool {
        self.with(key, |held| claim::release(held, by, now_ms))
    }

    fn with(&self, key: &str, run: impl FnOnce(&mut Option<Held>) -> bool) -> bool {
        match self.0.entry(key.into()) {
            Entry::Occupied(mut entry) => {
                let mut held = Some(entry.get().clone());
                let answer = run(&mut held);
                match held {
                    Some(held) => drop(entry.insert(held)),
                    None => drop(entry.remove()),
                }
                answer
            }
            Entry::Vacant(entry) => {
                let mut held = None;
                let answer = run(&mut held);
                if let Some(held) = held {
                    entry.insert(held);
                }
                answer
            }
        }
    }

    pub(crate) fn sweep(&self, shard: usize, settled_ms: u64) -> usize {
        sweep_shard(&self.0, shard, |_, held| held.is_over(settled_ms))
    }

    pub(crate) fn dump(&self, settled_ms: u64) -> Vec<String> {
        let held = self.0.iter().filter(|held| !held.is_over(settled_ms));
        held.map(|held| format!("once {:?} {:?}\n", held.key(), held.value())).collect()
    }

    /// A copy, as a store that does not decide under its lock would read it.
    #[cfg(feature = "test-stores")]
    pub(crate) fn read(&self, key: &str) -> Option<Held> {
        self.0.get(key).map(|held| held.clone())
    }

    /// Overwrites, as a store that does not decide under its lock would write it.
    #[cfg(feature = "test-stores")]
    pub(crate) fn write(&self, key: &str, held: Option<Held>) {
        match held {
            Some(held) => drop(self.0.insert(key.into(), held)),
            None => drop(self.0.remove(key)),
        }
    }
}
