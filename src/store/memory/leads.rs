//! By how much the clocks of issuers lead ours, in the embedded store.

use crate::core::revocation::lead::{Ahead, SeenLead};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Leads by issuer. There are as many issuers as Auths have configured.
///
/// The lock is held for one look-up or change, and never while a record is asked for.
#[derive(Default)]
pub struct Leads(Mutex<HashMap<Box<str>, SeenLead>>);

impl Leads {
    fn all(&self) -> MutexGuard<'_, HashMap<Box<str>, SeenLead>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes note of a token that was let through.
    pub fn note(&self, ahead: &Ahead, now_ms: u64) {
        self.all().entry(ahead.issuer.as_str().into()).or_default().note(ahead.ms, now_ms);
    }

    /// The largest lead that counts now, in milliseconds.
    pub fn ms(&self, issuer: &str, now_ms: u64) -> u64 {
        self.all().get(issuer).map_or(0, |seen| seen.ms(now_ms))
    }

    /// For the canonical dump: a line for each issuer.
    pub fn describe(&self, now_ms: u64) -> Vec<String> {
        let all = self.all();
        let left = all.iter().filter(|(_, seen)| !seen.is_over(now_ms));
        left.map(|(issuer, seen)| format!("lead {issuer:?} {}\n", seen.ms(now_ms))).collect()
    }
}
