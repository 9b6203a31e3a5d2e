//! The clock that gates and their stores read: the machine's, unless a test sets another.

use crate::core::base::clock::Clock;
use std::sync::Arc;

#[cfg(feature = "test-stores")]
mod test_clock {
    use crate::core::base::clock::{Clock, SystemClock};
    use std::sync::atomic::{AtomicU64, Ordering};

    pub static NOW_US: AtomicU64 = AtomicU64::new(0);

    pub struct TestClock;

    impl Clock for TestClock {
        fn now_us(&self) -> u64 {
            match NOW_US.load(Ordering::SeqCst) {
                0 => SystemClock::default().now_us(),
                set => set,
            }
        }
    }
}

#[cfg(feature = "test-stores")]
pub fn set_test_clock(epoch_ms: Option<f64>) {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let us = epoch_ms.map_or(0, |ms| (ms * 1000.0) as u64);
    test_clock::NOW_US.store(us, std::sync::atomic::Ordering::SeqCst);
}

#[cfg(feature = "test-stores")]
pub fn new_clock() -> Arc<dyn Clock> {
    Arc::new(test_clock::TestClock)
}

#[cfg(not(feature = "test-stores"))]
pub fn new_clock() -> Arc<dyn Clock> {
    Arc::new(crate::core::base::clock::SystemClock::default())
}
