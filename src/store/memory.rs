//! The embedded store: one map entry per user, decided and changed under one lock.

use crate::core::clock::Clock;
use crate::core::op::{Op, Verdict};
use crate::core::record::UserRecord;
use crate::core::store::{Outcome, Sink, Store};
use dashmap::{DashMap, Entry};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Shards of the map. Many, because a sweep holds one shard's lock while it goes through it, and
/// with ten million users that must still be about a millisecond.
const SHARDS: usize = 1024;
/// A sweep stops after the shard in which it has taken so long.
const SWEEP_BUDGET: Duration = Duration::from_micros(500);

/// The embedded store.
///
/// The lock: every shard of the map has one. An operation takes its user's shard for writing, from
/// finding the record until the last change to it; nothing else is locked meanwhile and nothing is
/// called that could come back here. So operations on one user happen one after the other, whatever
/// threads they come from, and no decision is taken on a record that another thread is changing.
pub struct MemoryStore {
    users: DashMap<Box<str>, Box<UserRecord>, ahash::RandomState>,
    clock: Arc<dyn Clock>,
    /// The shard that the next sweep begins with.
    cursor: AtomicUsize,
}

impl MemoryStore {
    /// An empty store that reads this clock.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        let hasher = ahash::RandomState::new();
        Self {
            users: DashMap::with_hasher_and_shard_amount(hasher, SHARDS),
            clock,
            cursor: AtomicUsize::new(0),
        }
    }

    /// Decides one operation.
    #[must_use]
    pub fn run(&self, op: &Op<'_>) -> Verdict {
        let now_us = self.clock.now_us();
        let Some(user) = op.act.user() else {
            return Verdict::Flag(true);
        };
        if let Some(mut record) = self.users.get_mut(user) {
            return record.apply(op, now_us);
        }
        // Nothing is known of the user: most operations then find nothing to do, and nothing is kept.
        let mut record = Box::<UserRecord>::default();
        let verdict = record.apply(op, now_us);
        if record.is_empty() {
            return verdict;
        }
        // Another thread may have made a record meanwhile: then that one decides, under its lock.
        match self.users.entry(user.into()) {
            Entry::Occupied(mut entry) => entry.get_mut().apply(op, now_us),
            Entry::Vacant(entry) => {
                entry.insert(record);
                verdict
            }
        }
    }

    /// Users of whom something is kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.users.len()
    }

    /// Whether nothing is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.users.is_empty()
    }

    /// A copy of a user's record, as a store that does not decide under its lock would read it.
    #[cfg(feature = "test-stores")]
    pub fn read(&self, user: &str) -> UserRecord {
        self.users
            .get(user)
            .map(|record| (**record).clone())
            .unwrap_or_default()
    }

    /// Overwrites a user's record, as a store that does not decide under its lock would write it.
    #[cfg(feature = "test-stores")]
    pub fn write(&self, user: &str, record: UserRecord) {
        self.users.insert(user.into(), Box::new(record));
    }

    /// The clock.
    #[cfg(feature = "test-stores")]
    pub fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    fn sweep_shard(&self, shard: usize, now_ms: u64) -> usize {
        let hasher = self.users.hasher();
        let mut table = self.users.shards()[shard].write();
        let before = table.len();
        // SAFETY: the shard's write lock is held, so nobody else sees the table; `iter` outlives no
        // bucket that is used after its `erase`, and erasing the bucket just yielded is what the
        // table's own `retain` does.
        unsafe {
            for bucket in table.iter() {
                let (_, record) = bucket.as_mut();
                if record.get_mut().expire(now_ms) {
                    table.erase(bucket);
                }
            }
        }
        let left = table.len();
        if left < table.capacity() / 4 {
            table.shrink_to(left * 2, |(user, _)| hasher.hash_one(user));
        }
        before - left
    }
}

impl Store for MemoryStore {
    fn submit(&self, op: Op<'_>, _ticket: u64, _sink: &Arc<dyn Sink>) -> Option<Outcome> {
        Some(Ok(self.run(&op)))
    }

    fn sweep(&self) -> usize {
        let now_ms = self.clock.now_us() / 1000;
        let shards = self.users.shards().len();
        let start = Instant::now();
        let mut removed = 0;
        for _ in 0..shards {
            let shard = self.cursor.fetch_add(1, Ordering::Relaxed) % shards;
            removed += self.sweep_shard(shard, now_ms);
            if start.elapsed() >= SWEEP_BUDGET {
                break;
            }
        }
        removed
    }

    fn dump(&self) -> String {
        let now_ms = self.clock.now_us() / 1000;
        let mut lines: Vec<String> = self
            .users
            .iter()
            .map(|user| (user.key().clone(), user.value().describe(now_ms)))
            .filter(|(_, record)| !record.is_empty())
            .map(|(user, record)| format!("{user:?} {record}\n"))
            .collect();
        lines.sort();
        lines.concat()
    }
}
