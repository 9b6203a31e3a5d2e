//! The ids of ended sessions, remembered so that no id returns.

use super::session::Entry;
use super::table::Sessions;
use crate::core::base::due_map::{Due, DueMap};

/// How an id ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Tombstone {
    /// Until when it is remembered, in milliseconds.
    until_ms: u64,
    /// The session ended by a timeout.
    timed_out: bool,
}

impl Due for Tombstone {
    fn due_ms(&self) -> u64 {
        self.until_ms
    }
}

/// Sessions that ended together and have no tombstones yet.
#[derive(Clone, Debug)]
struct Batch {
    sessions: Sessions,
    at_ms: u64,
    horizon_ms: u64,
}

#[derive(Clone, Debug, Default)]
struct Ended {
    by_id: DueMap<Box<str>, Tombstone>,
    batches: Vec<Batch>,
}

/// Ended ids, and until when each is remembered. Most users have none, and pay one word for it.
#[derive(Clone, Debug, Default)]
pub struct Tombstones(Option<Box<Ended>>);

impl Tombstones {
    /// Remembers an id that ended at `at_ms`. An id that is remembered already keeps the longer time.
    pub fn add(&mut self, id: Box<str>, at_ms: u64, keep_ms: u64, timed_out: bool) {
        let fresh = Tombstone { until_ms: at_ms.saturating_add(keep_ms), timed_out };
        insert(&mut self.0.get_or_insert_default().by_id, id, fresh);
    }

    /// Remembers sessions that end together at `at_ms`. Their tombstones are written by [`Self::settle`].
    pub fn add_all(&mut self, sessions: Sessions, at_ms: u64, horizon_ms: u64) {
        self.0.get_or_insert_default().batches.push(Batch { sessions, at_ms, horizon_ms });
    }

    /// Writes at most `most` of the pending tombstones.
    pub fn settle(&mut self, most: usize) {
        let Some(ended) = self.0.as_mut().filter(|ended| !ended.batches.is_empty()) else { return };
        let mut left = most;
        while left > 0
            && let Some(mut batch) = ended.batches.pop()
        {
            let (before, by_id) = (batch.sessions.len(), &mut ended.by_id);
            let (at_ms, horizon_ms) = (batch.at_ms, batch.horizon_ms);
            batch.sessions.expire(u64::MAX, left, |id, entry| {
                insert(by_id, id, ended_with(&entry, at_ms, horizon_ms));
            });
            left = left.saturating_sub(before - batch.sessions.len());
            if !batch.sessions.is_empty() {
                ended.batches.push(batch);
            }
        }
    }

    /// Whether the id has ended and is still remembered.
    #[must_use]
    pub fn contains(&self, id: &str, now_ms: u64) -> bool {
        self.get(id, now_ms).is_some()
    }

    /// Whether the session ended by a timeout.
    #[must_use]
    pub fn has_timed_out(&self, id: &str, now_ms: u64) -> bool {
        self.get(id, now_ms).is_some_and(|ended| ended.timed_out)
    }

    fn get(&self, id: &str, now_ms: u64) -> Option<Tombstone> {
        let ended = self.0.as_ref()?;
        let found = ended.by_id.get(id).copied();
        let found = found.or_else(|| ended.batches.iter().find_map(|batch| batch.get(id)));
        found.filter(|ended| ended.until_ms > now_ms)
    }

    /// Drops at most `most` expired tombstones.
    pub fn expire(&mut self, now_ms: u64, most: usize) {
        let Some(ended) = &mut self.0 else { return };
        ended.by_id.expire(now_ms, most, |_, _| ());
        if ended.by_id.is_empty() && ended.batches.is_empty() {
            self.0 = None;
        }
    }

    /// Whether there are no tombstones.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// For the canonical dump: sorted, so that equal states read equal.
    #[must_use]
    pub fn describe(&self) -> String {
        let mut ended: Vec<_> = self.0.iter().flat_map(|ended| ended.by_id.iter()).collect();
        ended.sort();
        format!("{ended:?}")
    }
}

impl Batch {
    fn get(&self, id: &str) -> Option<Tombstone> {
        self.sessions.get(id).map(|entry| ended_with(entry, self.at_ms, self.horizon_ms))
    }
}

/// The tombstone of a session that ended with others.
fn ended_with(entry: &Entry, at_ms: u64, horizon_ms: u64) -> Tombstone {
    let until_ms = entry.ended_at(at_ms).saturating_add(entry.remember_ms(horizon_ms));
    Tombstone { until_ms, timed_out: false }
}

/// Writes a tombstone. It never shortens an earlier tombstone of that id.
fn insert(by_id: &mut DueMap<Box<str>, Tombstone>, id: Box<str>, fresh: Tombstone) {
    let before = by_id.get(&*id).map_or(0, |ended| ended.until_ms);
    by_id.insert(id, Tombstone { until_ms: fresh.until_ms.max(before), ..fresh });
}
