//! What every store must answer. Each rule runs on a store of its own, with a clock that stands
//! still; a store to come is held to the same by adding it to `STORES`.

mod quotas;
mod revocation;
mod sessions;
#[path = "../support/mod.rs"]
mod support;

use latchgate::core::clock::FakeClock;
use latchgate::core::store::Store;
use latchgate::store::registry::{self, Settings};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use support::START_MS;

#[cfg(not(feature = "test-stores"))]
const STORES: &[&str] = &["memory:"];
#[cfg(feature = "test-stores")]
const STORES: &[&str] = &["memory:", "test-deferred:"];

/// Runs a rule on every store.
fn on_every_store(rule: impl Fn(&dyn Store, &FakeClock)) {
    static UNIQUE: AtomicU64 = AtomicU64::new(0);
    for scheme in STORES {
        let clock = Arc::new(FakeClock::at_ms(START_MS));
        let url = format!("{scheme}rule-{}", UNIQUE.fetch_add(1, Ordering::SeqCst));
        let store = registry::open(&Settings::of(&url), clock.clone()).unwrap();
        rule(&*store, &clock);
    }
}
