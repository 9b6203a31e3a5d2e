//! Idempotency of counter changes in the embedded store: answers are kept for a day. A retry under the same
//! key changes nothing.

use super::shards::sweep_shard;
use crate::core::counter::counter::RememberedValues;
use crate::core::quota::idempotency::Idempotency;
use dashmap::{DashMap, Entry};

/// Answers, by a name that represents the user and the idempotency key.
///
/// Lock: the lock of the name's shard, taken after the lock of the user's shard. The user's lock alone
/// prevents that two equal requests both act. A holder of the name's lock requests no other lock.
pub(crate) struct CounterAnswers(DashMap<[u8; 16], RememberedValues, ahash::RandomState>);

impl CounterAnswers {
    pub(crate) fn new(hasher: &ahash::RandomState, shards: usize) -> Self {
        Self(DashMap::with_hasher_and_shard_amount(hasher.clone(), shards))
    }

    /// Passes the stored answer to `run`, and stores the answer that `run` returns, if any.
    pub(crate) fn with<T>(
        &self,
        once: &Idempotency,
        run: impl FnOnce(Option<&RememberedValues>) -> (T, Option<RememberedValues>),
    ) -> T {
        match self.0.entry(once.name) {
            Entry::Occupied(mut entry) => {
                let (result, fresh) = run(Some(entry.get()));
                if let Some(fresh) = fresh {
                    entry.insert(fresh);
                }
                result
            }
            Entry::Vacant(entry) => {
                let (result, fresh) = run(None);
                if let Some(fresh) = fresh {
                    entry.insert(fresh);
                }
                result
            }
        }
    }

    pub(crate) fn sweep(&self, shard: usize, settled_ms: u64) -> usize {
        sweep_shard(&self.0, shard, |_, answer| answer.until_ms <= settled_ms)
    }

    pub(crate) fn dump(&self, settled_ms: u64) -> Vec<String> {
        let kept = self.0.iter().filter(|answer| answer.until_ms > settled_ms);
        kept.map(|answer| format!("answer {:?} {:?}\n", answer.key(), answer.value())).collect()
    }

    /// Returns a copy, as a store reads that does not decide under its lock.
    #[cfg(feature = "test-stores")]
    pub(crate) fn read(&self, once: &Idempotency) -> Option<RememberedValues> {
        self.0.get(&once.name).map(|answer| answer.clone())
    }
}
