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

/// A live session as it is handed out.
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

/// Where a page of sessions begins. What it means is the store's own affair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// Entries from here on, downwards.
    pub at: u64,
    /// So many entries of that very place are left out.
    pub skip: u64,
}

impl Cursor {
    /// The first page.
    pub const START: Self = Self { at: u64::MAX, skip: 0 };
}

/// A page of sessions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// The most recently active first.
    pub sessions: Vec<Session>,
    /// Where the next page begins; `None`: this was the last.
    pub next: Option<Cursor>,
}

/// A live session as it is kept.
#[derive(Clone, Debug)]
pub struct Entry {
    /// When it was admitted.
    pub created_ms: u64,
    /// When it was last active.
    pub last_active_ms: u64,
    /// Its idle timeout.
    pub idle_ms: u64,
    /// When it ends, however active it is.
    pub absolute_end_ms: u64,
    /// Counts up with every touch in the record: the smallest is the least recently active, also
    /// where two were touched in the same millisecond or the clock was set back between them.
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

    /// How long its id is remembered from its end: an id must not come back while a token that
    /// names it could still be accepted.
    #[must_use]
    pub fn remember_ms(&self, horizon_ms: u64) -> u64 {
        self.absolute_end_ms.saturating_sub(self.created_ms).max(horizon_ms)
    }

    /// When it ends if it is ended now: not before it was last active, though the clock went back.
    #[must_use]
    pub fn ended_at(&self, now_ms: u64) -> u64 {
        self.last_active_ms.max(now_ms)
    }

    /// Marks it as active; the clock may have gone back, the session does not.
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

    /// As it is handed out.
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
