//! What the embedded store remembers of changes to counters, for a day each, so that asking again under the
//! same key changes nothing.

use super::shards::sweep_shard;
use crate::core::counter::counter::RememberedValues;
use crate::core::quota::idempotency::Idempotency;
use dashmap::{DashMap, Entry};

/// CounterAnswers by the name under which they are remembered, which stands for user and key.
///
/// The lock: that of the name's shard. It is taken behind the user's, which alone keeps two who ask the same from
/// acting both; nobody who holds it asks for another.
pub(crate) struct CounterAnswers(DashMap<[u8; 16], RememberedValues, ahash::RandomState>);

impl CounterAnswers {
    pub(crate) fn new(hasher: &ahash::RandomState, shards: usize) -> Self {
        Self(DashMap::with_hasher_and_shard_amount(hasher.clone(), shards))
    }

    /// Runs what is told the answer that is remembered, and says which one is from now on, where that is new.
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

    /// A copy, as a store that does not decide under its lock would read it.
    #[cfg(feature = "test-stores")]
    pub(crate) fn read(&self, once: &Idempotency) -> Option<RememberedValues> {
        self.0.get(&once.name).map(|answer| answer.clone())
    }
}
