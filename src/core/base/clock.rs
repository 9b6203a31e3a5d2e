//! The source of time. Rules never read a clock: each receives the instant as an argument.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// A source of wall-clock time.
pub trait Clock: Send + Sync {
    /// Microseconds since the Unix epoch.
    fn now_us(&self) -> u64;

    /// The same instant, but never ahead of the time that has really passed. Expiry of stored data uses it, so that a
    /// clock that jumps forward by mistake and returns has lost no data.
    fn settled_us(&self, now_us: u64) -> u64 {
        now_us
    }
}

/// An instant, as operations receive it.
#[derive(Clone, Copy)]
pub struct Now<'a> {
    /// Wall-clock time in microseconds. Decisions use it.
    pub us: u64,
    clock: &'a dyn Clock,
}

impl<'a> Now<'a> {
    /// The instant by a clock.
    #[must_use]
    pub fn of(clock: &'a dyn Clock) -> Self {
        Self { us: clock.now_us(), clock }
    }

    /// Wall-clock time in milliseconds.
    #[must_use]
    pub const fn ms(self) -> u64 {
        self.us / 1000
    }

    /// The time that expiry of stored data uses, in milliseconds: see [`Clock::settled_us`].
    #[must_use]
    pub fn settled_ms(self) -> u64 {
        self.clock.settled_us(self.us) / 1000
    }
}

/// The machine's wall clock.
#[derive(Debug)]
pub struct SystemClock {
    /// The same instant by the wall clock and by the monotonic clock.
    start_us: u64,
    start: Instant,
}

impl Default for SystemClock {
    fn default() -> Self {
        Self { start_us: wall_us(), start: Instant::now() }
    }
}

fn wall_us() -> u64 {
    // A clock set before 1970 reads as the epoch itself: every token is then "issued in the future" and refused.
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| u64::try_from(since.as_micros()).unwrap_or(u64::MAX))
}

impl Clock for SystemClock {
    fn now_us(&self) -> u64 {
        wall_us()
    }

    fn settled_us(&self, now_us: u64) -> u64 {
        let passed = u64::try_from(self.start.elapsed().as_micros()).unwrap_or(u64::MAX);
        now_us.min(self.start_us.saturating_add(passed))
    }
}

/// A clock that moves only when a test sets it.
#[derive(Debug)]
pub struct FakeClock {
    wall_us: AtomicU64,
    /// The time that has really passed.
    passed_us: AtomicU64,
}

impl FakeClock {
    /// A clock at `ms` milliseconds since the Unix epoch.
    #[must_use]
    pub fn at_ms(ms: u64) -> Self {
        Self { wall_us: AtomicU64::new(ms * 1000), passed_us: AtomicU64::new(ms * 1000) }
    }

    /// Lets `ms` milliseconds pass.
    pub fn advance_ms(&self, ms: u64) {
        self.wall_us.fetch_add(ms * 1000, Ordering::SeqCst);
        self.passed_us.fetch_add(ms * 1000, Ordering::SeqCst);
    }

    /// Sets the clock, forward or back, to `us` microseconds since the Unix epoch; no time passes.
    pub fn set_us(&self, us: u64) {
        self.wall_us.store(us, Ordering::SeqCst);
    }
}

impl Clock for FakeClock {
    fn now_us(&self) -> u64 {
        self.wall_us.load(Ordering::SeqCst)
    }

    fn settled_us(&self, now_us: u64) -> u64 {
        now_us.min(self.passed_us.load(Ordering::SeqCst))
    }
}
