//! The rules of admission: how many sessions a user may have, and what happens at the limit.

/// The behaviour at the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnLimit {
    /// The new session is refused.
    Reject,
    /// The least recently active sessions are evicted.
    EvictOldest,
}

/// The rules under which a session is admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AdmissionRule {
    /// Most live sessions of one user; `None`: only the hard limit applies.
    pub limit: Option<u64>,
    /// Most live sessions of one user, regardless of `limit`.
    pub hard_limit: u64,
    /// The behaviour at the limit.
    pub on_limit: OnLimit,
    /// Idle timeout, in milliseconds.
    pub idle_ms: u64,
    /// Absolute timeout, in milliseconds.
    pub absolute_ms: u64,
}

impl AdmissionRule {
    /// The limit that applies.
    #[must_use]
    pub fn most(&self) -> u64 {
        self.limit.unwrap_or(u64::MAX).min(self.hard_limit)
    }
}
