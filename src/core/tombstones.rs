//! Session ids that have ended: remembered so that none of them ever comes back.

use super::hash::IdMap;

/// Ended ids, and until when each is remembered. Most users have none, and pay one word for it.
#[derive(Clone, Debug, Default)]
pub struct Tombstones(Option<Box<IdMap<Box<str>, u64>>>);

impl Tombstones {
    /// Remembers an id that ended at `at_ms`; one that is remembered already never for shorter.
    pub fn add(&mut self, id: Box<str>, at_ms: u64, keep_ms: u64) {
        let until = at_ms.saturating_add(keep_ms);
        let entry = self.0.get_or_insert_default().entry(id).or_insert(until);
        *entry = (*entry).max(until);
    }

    /// Whether the id has ended and is still remembered.
    #[must_use]
    pub fn contains(&self, id: &str, now_ms: u64) -> bool {
        self.0.as_ref().and_then(|ended| ended.get(id)).is_some_and(|until| *until > now_ms)
    }

    /// Forgets what need not be remembered any more.
    pub fn expire(&mut self, now_ms: u64) {
        let Some(ended) = &mut self.0 else { return };
        ended.retain(|_, until| *until > now_ms);
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
