//! Real threads that act together: all arrive at a gate before any of them acts.

use latchgate::core::base::clock::FakeClock;
use latchgate::core::store::Store;
use latchgate::store::registry;
use latchgate::store::settings::Settings;
use std::sync::{Arc, Barrier};
use std::thread;

pub const RACERS: usize = 24;

/// Runs the same act in many threads, released together.
pub fn race<T: Send + 'static>(
    store: &Arc<dyn Store>,
    act: impl Fn(&dyn Store, usize) -> T + Send + Sync + 'static,
) -> Vec<T> {
    let gate = Arc::new(Barrier::new(RACERS));
    let act = Arc::new(act);
    let racers: Vec<_> = (0..RACERS)
        .map(|n| {
            let (store, gate, act) = (Arc::clone(store), Arc::clone(&gate), Arc::clone(&act));
            thread::spawn(move || {
                gate.wait();
                act(&*store, n)
            })
        })
        .collect();
    racers.into_iter().map(|racer| racer.join().unwrap()).collect()
}

/// A store whose clock stands still.
pub fn open(url: &str) -> Arc<dyn Store> {
    registry::open(&Settings::of(url), Arc::new(FakeClock::at_ms(super::START_MS))).unwrap()
}
