//! The quotas in one user's record.

use super::state::QuotaState;
use crate::core::base::due_map::DueMap;

/// The quotas of one user by key. Most users have none, and pay one word for it.
#[derive(Clone, Debug, Default)]
pub struct QuotaTable(Option<Box<DueMap<Box<str>, QuotaState>>>);

impl QuotaTable {
    /// A copy of the quota, or the default for a quota that was never charged.
    #[must_use]
    pub fn get(&self, key: &str) -> QuotaState {
        self.0.as_ref().and_then(|quotas| quotas.get(key)).cloned().unwrap_or_default()
    }

    /// Stores a quota.
    pub fn put(&mut self, key: &str, state: QuotaState) {
        self.0.get_or_insert_default().insert(key.into(), state);
    }

    /// Changes a quota, and drops it if it then equals the default. Without the quota, `run` gets a default that is
    /// dropped.
    pub fn with<T>(&mut self, key: &str, run: impl FnOnce(&mut QuotaState) -> T) -> T {
        let Some(state) = self.0.as_mut().and_then(|quotas| quotas.get_mut(key)) else {
            return run(&mut QuotaState::default());
        };
        let result = run(state);
        if *state == QuotaState::default() {
            self.remove(key);
        }
        result
    }

    /// Drops the quotas whose key matches.
    pub fn remove_where(&mut self, matches: impl Fn(&str) -> bool) {
        if let Some(quotas) = &mut self.0 {
            quotas.remove_where(|key| matches(key));
            if quotas.is_empty() {
                self.0 = None;
            }
        }
    }

    /// Drops expired quotas, at most `most`.
    pub fn expire(&mut self, settled_ms: u64, most: usize) {
        if let Some(quotas) = &mut self.0 {
            quotas.expire(settled_ms, most, |_, _| ());
            if quotas.is_empty() {
                self.0 = None;
            }
        }
    }

    /// Whether there are no quotas.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// For the canonical dump: equal states read equal.
    #[must_use]
    pub fn describe(&self) -> String {
        let mut quotas: Vec<_> = self.0.iter().flat_map(|quotas| quotas.iter()).collect();
        quotas.sort_by_key(|(key, _)| *key);
        format!("quotas={quotas:?}")
    }

    fn remove(&mut self, key: &str) {
        if let Some(quotas) = &mut self.0 {
            quotas.remove(key);
            if quotas.is_empty() {
                self.0 = None;
            }
        }
    }
}
