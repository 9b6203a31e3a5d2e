//! All sessions of one user: the live sessions, and the tombstones of ended sessions.

use super::rule::{AdmissionRule, OnLimit};
use super::session::{Cursor, Entry, Page, Session};
use super::table::SessionTable;
use super::tombstones::Tombstones;
use crate::core::base::clock::Now;
use crate::core::base::due_map::SLICE;

/// The sessions of one user.
#[derive(Clone, Debug, Default)]
pub struct Sessions {
    live: SessionTable,
    ended: Tombstones,
    /// Number of touches so far. See [`Entry::order`].
    order: u64,
    /// The longest horizon of any operation so far, in milliseconds.
    horizon_ms: u64,
}

impl Sessions {
    /// Ends the sessions that have timed out, each at the instant at which it did. Every operation begins with it.
    /// `horizon_ms`: the longest that a token accepted today may live.
    pub fn begin(&mut self, horizon_ms: u64, now: Now<'_>) {
        self.horizon_ms = self.horizon_ms.max(horizon_ms);
        self.ended.settle(SLICE);
        let (ended, horizon_ms) = (&mut self.ended, self.horizon_ms);
        self.live.expire(now.ms(), |id, entry| {
            let at = entry.expires_ms();
            let keep = entry.remember_ms(horizon_ms);
            if at.saturating_add(keep) > now.settled_ms() {
                ended.add(id, at, keep, true);
            }
        });
    }

    /// Writes tombstones that are still to be written, and drops expired ones. At most `most` of each.
    pub fn expire(&mut self, settled_ms: u64, most: usize) {
        self.ended.settle(most);
        self.ended.expire(settled_ms, most);
    }

    /// The longest horizon of any operation so far, in milliseconds.
    #[must_use]
    pub const fn horizon_ms(&self) -> u64 {
        self.horizon_ms
    }

    /// Number of live sessions.
    #[must_use]
    pub fn active(&self) -> u64 {
        self.live.len() as u64
    }

    /// Whether the session is live.
    #[must_use]
    pub fn is_live(&self, id: &str) -> bool {
        self.live.contains(id)
    }

    /// Whether the session has ended and its tombstone remains.
    #[must_use]
    pub fn has_ended(&self, id: &str, now_ms: u64) -> bool {
        self.ended.contains(id, now_ms)
    }

    /// Whether the session ended by a timeout, and its tombstone remains.
    #[must_use]
    pub fn has_timed_out(&self, id: &str, now_ms: u64) -> bool {
        self.ended.has_timed_out(id, now_ms)
    }

    /// The live session of that id.
    pub fn get_mut(&mut self, id: &str) -> Option<&mut Entry> {
        self.live.get_mut(id)
    }

    /// The next number in the order of touches.
    pub const fn next_order(&mut self) -> u64 {
        self.order += 1;
        self.order
    }

    /// Marks a live session as active now.
    pub fn touch(&mut self, user: &str, id: &str, now_ms: u64) -> Option<Session> {
        let order = self.next_order();
        let entry = self.live.get_mut(id)?;
        entry.touch(now_ms, order);
        Some(entry.view(user, id))
    }

    /// Admits a session. The id must not be live.
    pub fn insert(&mut self, id: &str, rule: AdmissionRule, device: Option<&str>, now_ms: u64) {
        let order = self.next_order();
        self.live.insert(id, Entry::new(&rule, device, now_ms, order));
    }

    /// Ends a session. False if it is not live.
    pub fn end(&mut self, id: &str, now_ms: u64) -> bool {
        let Some(entry) = self.live.remove(id) else {
            return false;
        };
        let (at, keep) = (entry.ended_at(now_ms), entry.remember_ms(self.horizon_ms));
        self.ended.add(id.into(), at, keep, false);
        true
    }

    /// Ends all sessions except the named one. Returns how many ended.
    pub fn end_all(&mut self, except: Option<&str>, now_ms: u64) -> u64 {
        let kept = except.and_then(|id| Some((id, self.live.remove(id)?)));
        let ended = std::mem::take(&mut self.live);
        if let Some((id, entry)) = kept {
            self.live.insert(id, entry);
        }
        let count = ended.len();
        if count > 0 {
            // All of them end in one step. Later operations write their tombstones, a slice at a time.
            self.ended.add_all(ended.into_sessions(), now_ms, self.horizon_ms);
            self.ended.settle(SLICE);
        }
        count as u64
    }

    /// One page of live sessions, approximately by most recent activity.
    #[must_use]
    pub fn list(&self, user: &str, from: Cursor) -> Page {
        let (page, next) = self.live.page(from, SLICE);
        Page { sessions: page.into_iter().map(|(id, entry)| entry.view(user, id)).collect(), next }
    }

    /// Whether the rule allows one more session, with evictions if it permits them.
    #[must_use]
    pub fn has_room(&self, rule: AdmissionRule) -> bool {
        let limit = rule.most();
        self.active() < limit || (limit > 0 && rule.on_limit == OnLimit::EvictOldest)
    }

    /// Ends the least recently active sessions until one more fits. Returns the evicted sessions.
    pub fn evict_for_one(&mut self, user: &str, rule: AdmissionRule, now_ms: u64) -> Vec<Session> {
        let mut evicted = Vec::new();
        while self.active() >= rule.most()
            && let Some(id) = self.live.oldest()
        {
            evicted.extend(self.live.get_mut(&id).map(|entry| entry.view(user, &id)));
            self.end(&id, now_ms);
        }
        evicted
    }

    /// When the first live session ends, in milliseconds.
    pub fn first_end(&mut self) -> Option<u64> {
        self.live.first_end()
    }

    /// Whether there are neither live sessions nor tombstones.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.live.is_empty() && self.ended.is_empty()
    }

    /// For the canonical dump: equal states read equal.
    #[must_use]
    pub fn describe(&self) -> String {
        let (live, _) = self.live.page(Cursor::START, usize::MAX);
        let live: Vec<_> = live
            .into_iter()
            .map(|(id, e)| (id, e.times(), e.idle_ms, e.absolute_end_ms, &e.device))
            .collect();
        format!("sessions={live:?} ended={}", self.ended.describe())
    }
}
