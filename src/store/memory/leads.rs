//! The clock leads of issuers in the embedded store: how far each issuer's clock is ahead of this clock.

use crate::core::revocation::lead::{Ahead, SeenLead};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Leads by issuer. There are only as many issuers as Auths have configured.
///
/// The lock is held for one look-up or one change, and never while a record is requested.
#[derive(Default)]
pub struct Leads(Mutex<HashMap<Box<str>, SeenLead>>);

impl Leads {
    fn all(&self) -> MutexGuard<'_, HashMap<Box<str>, SeenLead>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records the lead of an accepted token.
    pub fn note(&self, ahead: &Ahead, now_ms: u64) {
        self.all().entry(ahead.issuer.as_str().into()).or_default().note(ahead.ms, now_ms);
    }

    /// Returns the largest current lead, in milliseconds.
    pub fn ms(&self, issuer: &str, now_ms: u64) -> u64 {
        self.all().get(issuer).map_or(0, |seen| seen.ms(now_ms))
    }

    /// Returns a line for each issuer, for the canonical dump.
    pub fn describe(&self, now_ms: u64) -> Vec<String> {
        let all = self.all();
        let left = all.iter().filter(|(_, seen)| !seen.is_over(now_ms));
        left.map(|(issuer, seen)| format!("lead {issuer:?} {}\n", seen.ms(now_ms))).collect()
    }
}
