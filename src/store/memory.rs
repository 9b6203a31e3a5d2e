//! The embedded store: one map entry per user, decided and changed under one lock.

use super::answers::Answers;
use super::once_keys::OnceKeys;
use crate::core::clock::{Clock, Now};
use crate::core::counter::Apply;
use crate::core::idempotency::Idempotency;
use crate::core::op::{Act, Decide, Op, QuotaPlace, Verdict};
use crate::core::quota::QuotaState;
use crate::core::record::UserRecord;
use crate::core::store::{Outcome, Sink, Store};
use dashmap::{DashMap, Entry};
use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
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
/// The one exception: a request that is charged a quota apart from its user takes that quota's shard
/// as well, always after the user's, so that no two can wait for each other. So does a change of counters that
/// is remembered with its answer's shard (see [`Answers`]).
pub struct MemoryStore {
    users: DashMap<Box<str>, Box<UserRecord>, ahash::RandomState>,
    /// Quotas that lie with no user.
    quotas: DashMap<Box<str>, QuotaState, ahash::RandomState>,
    /// Changes of counters that are remembered.
    pub(super) answers: Answers,
    /// Keys that lie with no user.
    pub(super) once: OnceKeys,
    clock: Arc<dyn Clock>,
    /// The longest horizon of any Auth that has used the store: what one of them ends must outlive the
    /// tokens that another accepts.
    horizon_ms: AtomicU64,
    /// The shard that the next sweep begins with.
    cursor: AtomicUsize,
}

impl MemoryStore {
    /// An empty store that reads this clock.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        let hasher = ahash::RandomState::new();
        Self {
            quotas: DashMap::with_hasher_and_shard_amount(hasher.clone(), SHARDS),
            answers: Answers::new(&hasher, SHARDS),
            once: OnceKeys::new(&hasher, SHARDS),
            users: DashMap::with_hasher_and_shard_amount(hasher, SHARDS),
            clock,
            horizon_ms: AtomicU64::new(0),
            cursor: AtomicUsize::new(0),
        }
    }

    /// Decides one operation.
    #[must_use]
    pub fn run(&self, mut op: Op<'_>) -> Verdict {
        let longest = self.horizon_ms.load(Ordering::Relaxed);
        if op.horizon_ms > longest {
            self.horizon_ms.fetch_max(op.horizon_ms, Ordering::Relaxed);
        } else {
            op.horizon_ms = longest;
        }
        let op = &op;
        let now = Now::of(&*self.clock);
        match &op.act {
            Act::Ping => Verdict::Flag(true),
            Act::Consume { key, rule, cost } => Verdict::Consumption(
                self.with_quota(key, |state| state.charge(rule, *cost, now.ms(), None)),
            ),
            Act::ResetQuotas { keys } => {
                let now_ms = now.ms();
                let reset = keys.iter().filter(|key| {
                    self.quotas.remove(&***key).is_some_and(|(_, state)| !state.is_over(now_ms))
                });
                Verdict::Flag(reset.count() > 0)
            }
            Act::Decide(Decide { user, charge: Some(charge), .. })
                if charge.place == QuotaPlace::Apart =>
            {
                // User first, quota second, and nobody who holds a quota asks for a user.
                let mut record = self.users.entry((**user).into()).or_default();
                self.with_quota(&charge.key, |state| record.apply(op, now, Some(state)))
            }
            Act::Apply(apply @ Apply { once: Some(once), .. }) => {
                self.apply_once(apply, once, op.horizon_ms, now)
            }
            Act::Once { key, by, ttl_ms } => {
                Verdict::Flag(self.once.take(key, by, *ttl_ms, now.ms()))
            }
            Act::OnceRelease { key, by } => Verdict::Flag(self.once.release(key, by, now.ms())),
            act => act.user().map_or(Verdict::Flag(false), |user| self.about(user, op, now)),
        }
    }

    fn about(&self, user: &str, op: &Op<'_>, now: Now<'_>) -> Verdict {
        if let Some(mut record) = self.users.get_mut(user) {
            return record.apply(op, now, None);
        }
        // Nothing is known of the user: most operations then find nothing to do, and nothing is kept.
        let mut record = Box::<UserRecord>::default();
        let verdict = record.apply(op, now, None);
        if record.is_empty() {
            return verdict;
        }
        // Another thread may have made a record meanwhile: then that one decides, under its lock.
        match self.users.entry(user.into()) {
            Entry::Occupied(mut entry) => entry.get_mut().apply(op, now, None),
            Entry::Vacant(entry) => {
                entry.insert(record);
                verdict
            }
        }
    }

    /// The user's shard is held from before the answer is looked for until both are written, so that of two who
    /// ask the same the second finds the answer.
    fn apply_once(
        &self,
        apply: &Apply<'_>,
        once: &Idempotency,
        horizon_ms: u64,
        now: Now<'_>,
    ) -> Verdict {
        let run = |record: &mut UserRecord| {
            self.answers.with(once, |found| record.apply_once(apply, found, horizon_ms, now))
        };
        match self.users.entry((*apply.user).into()) {
            Entry::Occupied(mut entry) => run(entry.get_mut()),
            Entry::Vacant(entry) => {
                let mut record = Box::<UserRecord>::default();
                let verdict = run(&mut record);
                if !record.is_empty() {
                    entry.insert(record);
                }
                verdict
            }
        }
    }

    fn with_quota<T>(&self, key: &str, run: impl FnOnce(&mut QuotaState) -> T) -> T {
        if let Some(mut state) = self.quotas.get_mut(key) {
            return run(&mut state);
        }
        match self.quotas.entry(key.into()) {
            Entry::Occupied(mut entry) => run(entry.get_mut()),
            Entry::Vacant(entry) => {
                let mut state = QuotaState::default();
                let result = run(&mut state);
                // A look, or a denial, leaves nothing behind.
                if state != QuotaState::default() {
                    entry.insert(state);
                }
                result
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
        self.users.get(user).map(|record| (**record).clone()).unwrap_or_default()
    }

    /// Overwrites a user's record, as a store that does not decide under its lock would write it.
    #[cfg(feature = "test-stores")]
    pub fn write(&self, user: &str, record: UserRecord) {
        self.users.insert(user.into(), Box::new(record));
    }

    /// A copy of a quota that lies with no user; see `read`.
    #[cfg(feature = "test-stores")]
    pub fn read_quota(&self, key: &str) -> QuotaState {
        self.quotas.get(key).map(|state| *state).unwrap_or_default()
    }

    /// Overwrites a quota that lies with no user; see `write`.
    #[cfg(feature = "test-stores")]
    pub fn write_quota(&self, key: &str, state: QuotaState) {
        self.quotas.insert(key.into(), state);
    }

    /// The clock.
    #[cfg(feature = "test-stores")]
    pub fn clock(&self) -> &dyn Clock {
        &*self.clock
    }
}

/// Goes through one shard of a map and drops what `is_over` says is over; returns how many went.
pub(super) fn sweep_shard<K: Eq + Hash, V>(
    map: &DashMap<K, V, ahash::RandomState>,
    shard: usize,
    mut is_over: impl FnMut(&mut V) -> bool,
) -> usize {
    let hasher = map.hasher();
    let mut table = map.shards()[shard].write();
    let before = table.len();
    // SAFETY: the shard's write lock is held, so nobody else sees the table; `iter` outlives no
    // bucket that is used after its `erase`, and erasing the bucket just yielded is what the
    // table's own `retain` does.
    unsafe {
        for bucket in table.iter() {
            let (_, value) = bucket.as_mut();
            if is_over(value.get_mut()) {
                table.erase(bucket);
            }
        }
    }
    let left = table.len();
    if left < table.capacity() / 4 {
        table.shrink_to(left * 2, |(key, _)| hasher.hash_one(key));
    }
    before - left
}

impl Store for MemoryStore {
    fn submit(&self, op: Op<'_>, _ticket: u64, _sink: &Arc<dyn Sink>) -> Option<Outcome> {
        Some(self.run(op).outcome())
    }

    fn sweep(&self) -> usize {
        let now = Now::of(&*self.clock);
        let settled_ms = now.settled_ms();
        let shards = self.users.shards().len();
        let start = Instant::now();
        let mut removed = 0;
        for _ in 0..shards {
            let shard = self.cursor.fetch_add(1, Ordering::Relaxed) % shards;
            removed += sweep_shard(&self.users, shard, |record| record.expire(now));
            removed += sweep_shard(&self.quotas, shard, |state| state.is_over(settled_ms));
            removed += self.answers.sweep(shard, settled_ms);
            removed += self.once.sweep(shard, settled_ms);
            if start.elapsed() >= SWEEP_BUDGET {
                break;
            }
        }
        removed
    }

    fn dump(&self) -> String {
        let now = Now::of(&*self.clock);
        let mut lines: Vec<String> = self
            .users
            .iter()
            .map(|user| (user.key().clone(), user.value().describe(now)))
            .filter(|(_, record)| !record.is_empty())
            .map(|(user, record)| format!("{user:?} {record}\n"))
            .collect();
        let quotas = self.quotas.iter().filter(|quota| !quota.is_over(now.settled_ms()));
        lines.extend(quotas.map(|quota| format!("quota {:?} {:?}\n", quota.key(), quota.value())));
        lines.extend(self.answers.dump(now.settled_ms()));
        lines.extend(self.once.dump(now.settled_ms()));
        lines.sort();
        lines.concat()
    }
}
