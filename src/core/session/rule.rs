//! The rules of admission: how many sessions a user may have, and what happens at the limit.

/// What happens at the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnLimit {
    /// The newcomer is refused.
    Reject,
    /// The least recently active sessions make room.
    EvictOldest,
}

/// The rules under which a session is admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AdmissionRule {
    /// Most live sessions of one user; `None`: no limit but the hard one.
    pub limit: Option<u64>,
    /// Most live sessions of one user, whatever `limit` says.
    pub hard_limit: u64,
    /// What happens at the limit.
    pub on_limit: OnLimit,
    /// A session ends when it was idle for so long, in milliseconds.
    pub idle_ms: u64,
    /// A session ends when it is so old, in milliseconds.
    pub absolute_ms: u64,
}

impl AdmissionRule {
    /// The limit that is kept.
    #[must_use]
    pub fn most(&self) -> u64 {
        self.limit.unwrap_or(u64::MAX).min(self.hard_limit)
    }
}
