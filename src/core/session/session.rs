//! One live session: when it began, when it was last active, when it will end.

use crate::core::base::due_map::Due;
use crate::core::session::rule::AdmissionRule;

/// A session's instants, in milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionTimes {
    /// When it was admitted.
    pub created_ms: u64,
    /// When it was last active; never goes back.
    pub last_active_ms: u64,
    /// When it ends if it stays idle: last active + idle timeout, at most created + absolute timeout.
    pub expires_ms: u64,
}

/// A live session as callers receive it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The session id.
    pub id: String,
    /// The user id.
    pub user: String,
    /// Its instants.
    pub times: SessionTimes,
    /// Device data, a JSON object.
    pub device: Option<String>,
}

/// The start of a page of sessions. Its meaning is private to the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// Entries up to this position, in descending order.
    pub at: u64,
    /// Number of entries at that position to skip.
    pub skip: u64,
}

impl Cursor {
    /// The first page.
    pub const START: Self = Self { at: u64::MAX, skip: 0 };
}

/// A page of sessions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// Most recently active first.
    pub sessions: Vec<Session>,
    /// The start of the next page; `None`: this is the last page.
    pub next: Option<Cursor>,
}

/// A live session as the record stores it.
#[derive(Clone, Debug)]
pub struct Entry {
    /// When it was admitted.
    pub created_ms: u64,
    /// When it was last active.
    pub last_active_ms: u64,
    /// Its idle timeout.
    pub idle_ms: u64,
    /// When it ends, regardless of activity.
    pub absolute_end_ms: u64,
    /// Counts up with every touch in the record. The smallest is the least recently active session. It also orders touches
    /// of one millisecond, and touches around a clock that was set back.
    pub order: u64,
    /// Device data. Boxed twice: most sessions have none, and pay one word for it.
    #[allow(clippy::box_collection)]
    pub device: Option<Box<String>>,
}

impl Due for Entry {
    fn due_ms(&self) -> u64 {
        self.expires_ms()
    }
}

impl Entry {
    /// A session admitted at `now_ms`.
    #[must_use]
    pub fn new(rule: &AdmissionRule, device: Option<&str>, now_ms: u64, order: u64) -> Self {
        Self {
            created_ms: now_ms,
            last_active_ms: now_ms,
            idle_ms: rule.idle_ms,
            absolute_end_ms: now_ms.saturating_add(rule.absolute_ms),
            order,
            device: device.map(|json| Box::new(json.to_owned())),
        }
    }

    /// The instant from which it is no longer live.
    #[must_use]
    pub fn expires_ms(&self) -> u64 {
        self.last_active_ms.saturating_add(self.idle_ms).min(self.absolute_end_ms)
    }

    /// How long its id is remembered after its end. The id must not return while a token that names it can be accepted.
    #[must_use]
    pub fn remember_ms(&self, horizon_ms: u64) -> u64 {
        self.absolute_end_ms.saturating_sub(self.created_ms).max(horizon_ms)
    }

    /// When it ends if it is ended now: not before its last activity, even if the clock was set back.
    #[must_use]
    pub fn ended_at(&self, now_ms: u64) -> u64 {
        self.last_active_ms.max(now_ms)
    }

    /// Marks it as active. Its last activity never moves back, even if the clock does.
    pub fn touch(&mut self, now_ms: u64, order: u64) {
        self.last_active_ms = self.last_active_ms.max(now_ms);
        self.order = order;
    }

    /// Its instants.
    #[must_use]
    pub fn times(&self) -> SessionTimes {
        SessionTimes {
            created_ms: self.created_ms,
            last_active_ms: self.last_active_ms,
            expires_ms: self.expires_ms(),
        }
    }

    /// The session as callers receive it.
    #[must_use]
    pub fn view(&self, user: &str, id: &str) -> Session {
        Session {
            id: id.to_owned(),
            user: user.to_owned(),
            times: self.times(),
            device: self.device.as_deref().cloned(),
        }
    }
}
