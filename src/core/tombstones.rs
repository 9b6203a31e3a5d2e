//! Session ids that have ended: remembered so that none of them ever comes back.

use super::hash::IdMap;

/// How an id ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Tombstone {
    /// Until when that is remembered, in milliseconds.
    until_ms: u64,
    /// Nobody ended it.
    timed_out: bool,
}

/// Ended ids, and until when each is remembered. Most users have none, and pay one word for it.
#[derive(Clone, Debug, Default)]
pub struct Tombstones(Option<Box<IdMap<Box<str>, Tombstone>>>);

impl Tombstones {
    /// Remembers an id that ended at `at_ms`; one that is remembered already never for shorter.
    pub fn add(&mut self, id: Box<str>, at_ms: u64, keep_ms: u64, timed_out: bool) {
        let until_ms = at_ms.saturating_add(keep_ms);
        let fresh = Tombstone { until_ms, timed_out };
        let entry = self.0.get_or_insert_default().entry(id).or_insert(fresh);
        *entry = Tombstone { until_ms: entry.until_ms.max(until_ms), timed_out };
    }

    /// Whether the id has ended and is still remembered.
    #[must_use]
    pub fn contains(&self, id: &str, now_ms: u64) -> bool {
        self.get(id, now_ms).is_some()
    }

    /// Whether it ended because its time had come, and nobody ended it.
    #[must_use]
    pub fn has_timed_out(&self, id: &str, now_ms: u64) -> bool {
        self.get(id, now_ms).is_some_and(|ended| ended.timed_out)
    }

    fn get(&self, id: &str, now_ms: u64) -> Option<&Tombstone> {
        self.0.as_ref()?.get(id).filter(|ended| ended.until_ms > now_ms)
    }

    /// Forgets what need not be remembered any more.
    pub fn expire(&mut self, now_ms: u64) {
        let Some(ended) = &mut self.0 else { return };
        ended.retain(|_, ended| ended.until_ms > now_ms);
        ended.shrink_to_fit();
        if ended.is_empty() {
            self.0 = None;
        }
    }

    /// Whether nothing is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// For the canonical dump: sorted, so that equal states read equal.
    #[must_use]
    pub fn describe(&self) -> String {
        let mut ended: Vec<_> = self.0.iter().flat_map(|ended| ended.iter()).collect();
        ended.sort();
        format!("{ended:?}")
    }
}
