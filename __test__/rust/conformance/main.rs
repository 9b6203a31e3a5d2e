//! What every store must answer. Each rule runs on each of them, with a clock that moves when the rule
//! says so: on the embedded store, on one that answers late, and on a real server whose clock is steered.

mod counters;
mod families;
mod families_end;
mod families_numbers;
mod forgetting;
mod history;
mod key_ends;
mod key_imports;
mod key_owners;
mod key_quotas;
mod keys;
#[cfg(target_os = "linux")]
mod listening;
mod once;
mod quotas;
mod random_spending;
mod random_turns;
mod revocation;
#[cfg(target_os = "linux")]
mod server;
mod sessions;
mod spending;
mod standing;
#[path = "../support/mod.rs"]
mod support;
#[cfg(target_os = "linux")]
mod topologies;
mod turn_credentials;
mod turns;

use latchgate::core::base::clock::FakeClock;
use latchgate::core::store::Store;
use latchgate::store::registry;
use latchgate::store::settings::Settings;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use support::{HOUR, START_MS};

#[cfg(not(feature = "test-stores"))]
const STORES: &[&str] = &["memory:"];
#[cfg(feature = "test-stores")]
const STORES: &[&str] = &["memory:", "test-deferred:"];

/// The clock of a rule, and of a server that follows it.
pub struct RuleClock<'a> {
    clock: Arc<FakeClock>,
    follow: &'a dyn Fn(&FakeClock),
    /// The store lives in the process: it tells touches of one microsecond apart, knows every Auth that
    /// uses it, and forgets by the time that has passed, however far a clock is set.
    pub embedded: bool,
}

impl RuleClock<'_> {
    pub fn advance_ms(&self, ms: u64) {
        self.clock.advance_ms(ms);
        (self.follow)(&self.clock);
    }

    pub fn set_us(&self, us: u64) {
        self.clock.set_us(us);
        (self.follow)(&self.clock);
    }
}

/// Runs a rule on every store. `LATCHGATE_CONFORMANCE` limits it to `embedded` stores or to `servers`.
fn on_every_store(rule: impl Fn(&dyn Store, &RuleClock<'_>)) {
    let only = std::env::var("LATCHGATE_CONFORMANCE").unwrap_or_default();
    if only != "servers" {
        on_every_embedded_store(&rule);
    }
    if only != "embedded" {
        on_a_server(&rule);
    }
}

/// Runs a rule on every store that lives in the process.
fn on_every_embedded_store(rule: impl Fn(&dyn Store, &RuleClock<'_>)) {
    static UNIQUE: AtomicU64 = AtomicU64::new(0);
    for scheme in STORES {
        let clock = Arc::new(FakeClock::at_ms(START_MS));
        let url = format!("{scheme}rule-{}", UNIQUE.fetch_add(1, Ordering::SeqCst));
        let store = registry::open(&Settings::of(&url), clock.clone()).unwrap();
        rule(&*store, &RuleClock { clock, follow: &|_| (), embedded: true });
    }
}

#[cfg(not(target_os = "linux"))]
fn on_a_server(_rule: &dyn Fn(&dyn Store, &RuleClock<'_>)) {
    println!("skipped on a server: its clock is steered on Linux only");
}

#[cfg(target_os = "linux")]
fn on_a_server(rule: &dyn Fn(&dyn Store, &RuleClock<'_>)) {
    for server in server::servers().into_iter().chain(topologies::topologies()) {
        let server = match server {
            Ok(server) => server,
            Err(why) => {
                assert!(std::env::var_os("CI").is_none(), "{why}");
                println!("skipped on a server: {why}");
                continue;
            }
        };
        let clock = Arc::new(FakeClock::at_ms(START_MS));
        let (store, steered) = server.open(&clock);
        let follow: &dyn Fn(&FakeClock) = &|clock| steered.follow(clock);
        rule(&store, &RuleClock { clock, follow, embedded: false });
    }
}

/// Sweeps all of it: each sweep takes one shard at least.
fn sweep(store: &dyn Store) {
    for _ in 0..1024 {
        store.sweep();
    }
}

/// Nothing is left, once the slack has passed after which a server forgets.
fn assert_nothing_left(store: &dyn Store, clock: &RuleClock<'_>) {
    clock.advance_ms(3 * HOUR);
    assert_eq!(store.dump(), "");
}
