//! The locks and atomics that `handoff` uses.

pub use std::sync::atomic::{AtomicBool, Ordering};
pub use std::sync::{Mutex, MutexGuard, PoisonError};
