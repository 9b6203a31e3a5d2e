//! The keys of `once` in the embedded store. Each key has a holder, until it expires or permanently.

use super::shards::sweep_shard;
use crate::core::counter::claim;
use crate::core::counter::claim::Held;
use dashmap::{DashMap, Entry};

/// The holders, by key.
///
/// Lock: the lock of the key's shard, held from finding the key until its change. No other lock is held at the
/// same time.
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

    /// Returns a copy, as a store reads that does not decide under its lock.
    #[cfg(feature = "test-stores")]
    pub(crate) fn read(&self, key: &str) -> Option<Held> {
        self.0.get(key).map(|held| held.clone())
    }

    /// Overwrites the holder, as a store writes that does not decide under its lock.
    #[cfg(feature = "test-stores")]
    pub(crate) fn write(&self, key: &str, held: Option<Held>) {
        match held {
            Some(held) => drop(self.0.insert(key.into(), held)),
            None => drop(self.0.remove(key)),
        }
    }
}
