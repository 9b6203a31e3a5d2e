//! The locks and atomics that `handoff` is made of.

pub use std::sync::atomic::{AtomicBool, Ordering};
pub use std::sync::{Mutex, MutexGuard, PoisonError};
