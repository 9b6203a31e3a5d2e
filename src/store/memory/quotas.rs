//! Quota data of the embedded store outside the records of users: standalone quotas, remembered charges, and
//! refunded receipts.

use super::shards::sweep_shard;
use crate::core::base::clock::Now;
use crate::core::op::Answer;
use crate::core::quota::idempotency::{Idempotency, RememberedCharge};
use crate::core::quota::spend;
use crate::core::quota::spend::{AddUnits, Consume, Refund};
use crate::core::quota::state::{Moment, QuotaState, RECEIPT_MS, ReceiptId};
use crate::core::record::UserRecord;
use dashmap::{DashMap, Entry};
use std::borrow::Cow;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// Locks:
/// - A charge holds the shard of its quota, or of the user whose record contains the quota, until its last
///   change.
/// - The name of a remembered charge belongs to one quota name, which can have a quota per algorithm. So the
///   shard of the remembered charge is locked too, after the quota's shard, from the look-up until the change.
/// - A receipt id belongs to one quota, whose lock guards it. The shard of its map is taken last, for one
///   look-up or one change.
pub struct Quotas {
    quotas: DashMap<Box<str>, QuotaState, ahash::RandomState>,
    memories: DashMap<[u8; 16], RememberedCharge, ahash::RandomState>,
    /// Refunded receipts, and when each record expires, in milliseconds.
    refunded: DashMap<ReceiptId, u64, ahash::RandomState>,
    key: OnceLock<[u8; 32]>,
    /// The earliest birth of a new quota. A reset raises it, so that a quota born in the same microsecond is
    /// distinct from the quota before the reset.
    births_us: AtomicU64,
}

impl Quotas {
    /// Creates an empty store of quotas.
    pub fn new(hasher: &ahash::RandomState, shards: usize) -> Self {
        Self {
            quotas: DashMap::with_hasher_and_shard_amount(hasher.clone(), shards),
            memories: DashMap::with_hasher_and_shard_amount(hasher.clone(), shards),
            refunded: DashMap::with_hasher_and_shard_amount(hasher.clone(), shards),
            key: OnceLock::new(),
            births_us: AtomicU64::new(0),
        }
    }

    /// Returns the key that seals receipts.
    pub fn key(&self, fresh: &[u8; 32]) -> [u8; 32] {
        *self.key.get_or_init(|| *fresh)
    }

    /// Charges a standalone quota.
    pub fn consume(&self, asked: &Consume<'_>, now: Now<'_>) -> Answer {
        self.with_quota(&asked.key, |state| {
            let moment = self.moment(now);
            self.with_memory(asked.once.as_ref(), |memory| {
                spend::consume(state, memory, asked, moment)
            })
        })
        .map_or_else(Answer::Fault, Answer::Consumption)
    }

    /// Tops up a standalone balance.
    pub fn add(&self, asked: &AddUnits<'_>, now: Now<'_>) -> Answer {
        self.with_quota(&asked.key, |state| {
            let moment = self.moment(now);
            self.with_memory(asked.once.as_ref(), |memory| spend::add(state, memory, asked, moment))
        })
        .map_or_else(Answer::Fault, Answer::Consumption)
    }

    /// Refunds a charge of a standalone quota.
    pub fn refund(&self, asked: &Refund<'_>, now: Now<'_>) -> Answer {
        Answer::Flag(self.with_quota(&asked.key, |state| self.refund_to(state, asked, now)))
    }

    /// Refunds a charge of a quota in the record of a user. The caller holds the record's lock.
    pub fn refund_user(&self, record: &mut UserRecord, asked: &Refund<'_>, now: Now<'_>) -> Answer {
        Answer::Flag(record.with_quota(&asked.key, |state| self.refund_to(state, asked, now)))
    }

    fn refund_to(&self, state: &mut QuotaState, asked: &Refund<'_>, now: Now<'_>) -> bool {
        let id = asked.charged.id;
        self.with_named(asked.memory, |memory| {
            let was_refunded = self.refunded.contains_key(&id);
            let given_back = spend::refund(state, memory, was_refunded, asked, now.us);
            if given_back {
                self.refunded.insert(id, now.ms() + RECEIPT_MS);
            }
            given_back
        })
    }

    /// Removes standalone quotas. Returns true if one of them had state.
    pub fn reset(&self, keys: &[Cow<'_, str>], now: Now<'_>) -> bool {
        let reset = keys.iter().filter(|key| {
            let Entry::Occupied(entry) = self.quotas.entry((***key).into()) else { return false };
            // This comes before the removal: no new quota may have the birth of the old one.
            self.births_us.fetch_max(entry.get().born_us + 1, Ordering::SeqCst);
            !entry.remove().is_over(now.ms())
        });
        reset.count() > 0
    }

    fn moment(&self, now: Now<'_>) -> Moment {
        Moment { us: now.us, born_us: now.us.max(self.births_us.load(Ordering::SeqCst)) }
    }

    /// Runs a function on a standalone quota, under its lock.
    pub fn with_quota<T>(&self, key: &str, run: impl FnOnce(&mut QuotaState) -> T) -> T {
        let says_nothing = |state: &QuotaState| *state == QuotaState::default();
        if let Some(mut state) = self.quotas.get_mut(key) {
            let result = run(&mut state);
            if says_nothing(&state) {
                drop(state);
                self.quotas.remove_if(key, |_, state| says_nothing(state));
            }
            return result;
        }
        match self.quotas.entry(key.into()) {
            Entry::Occupied(mut entry) => run(entry.get_mut()),
            Entry::Vacant(entry) => {
                let mut state = QuotaState::default();
                let result = run(&mut state);
                // A read, or a denial, leaves no state.
                if !says_nothing(&state) {
                    entry.insert(state);
                }
                result
            }
        }
    }

    /// Runs a function on a remembered charge, under its lock: the second of two equal requests finds the
    /// answer of the first.
    pub fn with_memory<T>(
        &self,
        asked: Option<&Idempotency>,
        run: impl FnOnce(&mut Option<RememberedCharge>) -> T,
    ) -> T {
        self.with_named(asked.map(|asked| asked.name), run)
    }

    fn with_named<T>(
        &self,
        name: Option<[u8; 16]>,
        run: impl FnOnce(&mut Option<RememberedCharge>) -> T,
    ) -> T {
        let Some(name) = name else { return run(&mut None) };
        match self.memories.entry(name) {
            Entry::Occupied(mut entry) => {
                let mut memory = Some(*entry.get());
                let result = run(&mut memory);
                match memory {
                    Some(memory) => drop(entry.insert(memory)),
                    None => drop(entry.remove()),
                }
                result
            }
            Entry::Vacant(entry) => {
                let mut memory = None;
                let result = run(&mut memory);
                if let Some(memory) = memory {
                    entry.insert(memory);
                }
                result
            }
        }
    }

    /// Drops the expired entries of one shard.
    pub fn sweep(&self, shard: usize, settled_ms: u64) -> usize {
        sweep_shard(&self.quotas, shard, |_, state| state.is_over(settled_ms))
            + sweep_shard(&self.memories, shard, |_, memory| memory.until_ms <= settled_ms)
            + sweep_shard(&self.refunded, shard, |_, until_ms| *until_ms <= settled_ms)
    }

    /// Returns one line for each current entry.
    pub fn dump(&self, settled_ms: u64) -> Vec<String> {
        let quotas = self.quotas.iter().filter(|quota| !quota.is_over(settled_ms));
        let mut lines: Vec<String> =
            quotas.map(|quota| format!("quota {:?} {:?}\n", quota.key(), quota.value())).collect();
        let memories = self.memories.iter().filter(|memory| memory.until_ms > settled_ms);
        lines.extend(memories.map(|it| format!("memory {:?} {:?}\n", it.key(), it.value())));
        let refunded = self.refunded.iter().filter(|until_ms| **until_ms > settled_ms);
        lines.extend(refunded.map(|it| format!("refunded {:?} {}\n", it.key(), it.value())));
        lines
    }
}

#[cfg(feature = "test-stores")]
impl Quotas {
    /// Returns a copy of a standalone quota, as a store reads that does not decide under its lock.
    pub fn read_quota(&self, key: &str) -> QuotaState {
        self.quotas.get(key).map(|state| state.clone()).unwrap_or_default()
    }

    /// Overwrites a standalone quota, as a store writes that does not decide under its lock.
    pub fn write_quota(&self, key: &str, state: QuotaState) {
        self.quotas.insert(key.into(), state);
    }

    /// Returns a copy of a remembered charge, in the same way.
    pub fn read_memory(&self, name: &[u8; 16]) -> Option<RememberedCharge> {
        self.memories.get(name).map(|memory| *memory)
    }

    /// Overwrites a remembered charge, as `write_quota` does.
    pub fn write_memory(&self, name: &[u8; 16], memory: Option<RememberedCharge>) {
        self.with_named(Some(*name), |kept| *kept = memory);
    }

    /// Whether a receipt was refunded.
    pub fn was_refunded(&self, id: &ReceiptId) -> bool {
        self.refunded.contains_key(id)
    }

    /// Records that a receipt was refunded.
    pub fn write_refunded(&self, id: ReceiptId, until_ms: u64) {
        self.refunded.insert(id, until_ms);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_is_locked_while_somebody_looks_and_charges() {
        let quotas = Quotas::new(&ahash::RandomState::new(), 4);
        let once = Idempotency { name: [1; 16], question: [1; 16] };
        let is_locked = || quotas.memories.try_get(&once.name).is_locked();
        // Quotas of two algorithms share a name, and so a remembered charge, but no lock.
        quotas.with_memory(Some(&once), |_| assert!(is_locked()));
        assert!(!is_locked());
    }
}
