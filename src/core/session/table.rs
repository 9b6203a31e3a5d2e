//! The live sessions of one user: by id, by expiry, and by last activity. The cost of one step does not grow with the
//! number of sessions.

use super::session::{Cursor, Entry};
use crate::core::base::due_map::DueMap;
use crate::core::base::hash::IdMap;
use std::collections::BTreeMap;

/// Live sessions by id.
pub type Sessions = DueMap<Box<str>, Entry>;

/// Live sessions.
#[derive(Clone, Debug, Default)]
pub struct SessionTable {
    sessions: Sessions,
    /// `None` for a small table.
    activity: Option<Box<Activity>>,
}

/// An index of many sessions by activity: for each the order of its last touch, or of an earlier touch. A touch moves no
/// entry. An outdated entry at the front is moved when it is read.
#[derive(Clone, Debug, Default)]
struct Activity {
    by_order: BTreeMap<u64, Box<str>>,
    by_id: IdMap<Box<str>, u64>,
}

impl Activity {
    fn insert(&mut self, id: &str, order: u64) {
        if let Some(before) = self.by_id.insert(id.into(), order) {
            self.by_order.remove(&before);
        }
        self.by_order.insert(order, id.into());
    }

    fn remove(&mut self, id: &str) {
        if let Some(order) = self.by_id.remove(id) {
            self.by_order.remove(&order);
        }
    }
}

impl SessionTable {
    /// Number of sessions, including expired sessions that `expire` has not removed yet.
    #[must_use]
    pub fn len(&self) -> usize {
        self.sessions.len()
    }

    /// Whether the table has no sessions.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sessions.is_empty()
    }

    /// The session of that id.
    pub fn get_mut(&mut self, id: &str) -> Option<&mut Entry> {
        self.sessions.get_mut(id)
    }

    /// Whether the table has a session of that id.
    #[must_use]
    pub fn contains(&self, id: &str) -> bool {
        self.sessions.contains(id)
    }

    /// Adds a session. The id must not be in the table.
    pub fn insert(&mut self, id: &str, entry: Entry) {
        let order = entry.order;
        self.sessions.insert(id.into(), entry);
        if let Some(activity) = &mut self.activity {
            activity.insert(id, order);
        } else if matches!(self.sessions, DueMap::Indexed(_)) {
            let activity = self.activity.insert(Box::default());
            for (id, entry) in self.sessions.iter() {
                activity.insert(id, entry.order);
            }
        }
    }

    /// Removes a session.
    pub fn remove(&mut self, id: &str) -> Option<Entry> {
        if let Some(activity) = &mut self.activity {
            activity.remove(id);
        }
        self.sessions.remove(id)
    }

    /// Removes every session that has ended by `now_ms`, and passes each to the callback.
    pub fn expire(&mut self, now_ms: u64, mut gone: impl FnMut(Box<str>, &Entry)) {
        let activity = &mut self.activity;
        self.sessions.expire(now_ms, usize::MAX, |id, entry| {
            if let Some(activity) = activity {
                activity.remove(&id);
            }
            gone(id, &entry);
        });
        if matches!(self.sessions, DueMap::Row(_)) {
            self.activity = None;
        }
    }

    /// The id of the least recently active session.
    pub fn oldest(&mut self) -> Option<Box<str>> {
        let Some(activity) = &mut self.activity else {
            let first = self.sessions.iter().min_by_key(|(_, entry)| entry.order);
            return first.map(|(id, _)| id.clone());
        };
        loop {
            let (order, id) = activity.by_order.first_key_value()?;
            let (order, id) = (*order, id.clone());
            let now = self.sessions.get(&*id)?.order;
            if now == order {
                return Some(id);
            }
            activity.insert(&id, now);
        }
    }

    /// When the first session ends, in milliseconds.
    pub fn first_end(&mut self) -> Option<u64> {
        self.sessions.first_due()
    }

    /// At most `most` sessions, approximately by most recent activity, from the cursor on. Also the start of the next page.
    pub fn page(&self, from: Cursor, most: usize) -> (Vec<(&str, &Entry)>, Option<Cursor>) {
        let Some(activity) = &self.activity else {
            let mut all: Vec<_> = self.iter().filter(|(_, entry)| entry.order < from.at).collect();
            all.sort_unstable_by_key(|(_, entry)| std::cmp::Reverse(entry.order));
            return (all, None);
        };
        let listed: Vec<_> = activity.by_order.range(..from.at).rev().take(most).collect();
        let next = listed.last().filter(|_| listed.len() == most);
        let next = next.map(|(order, _)| Cursor { at: **order, skip: 0 });
        let mut page: Vec<_> = listed
            .into_iter()
            .filter_map(|(_, id)| Some((&**id, self.sessions.get(&**id)?)))
            .collect();
        page.sort_unstable_by_key(|(_, entry)| std::cmp::Reverse(entry.order));
        (page, next)
    }

    /// Every session, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.sessions.iter().map(|(id, entry)| (&**id, entry))
    }

    /// The sessions alone.
    #[must_use]
    pub fn into_sessions(self) -> Sessions {
        self.sessions
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::session::rule::{AdmissionRule, OnLimit};

    fn entry(now: u64, idle: u64, order: u64) -> Entry {
        let rule = AdmissionRule {
            limit: None,
            hard_limit: u64::MAX,
            on_limit: OnLimit::Reject,
            idle_ms: idle,
            absolute_ms: 1_000_000,
        };
        Entry::new(&rule, None, now, order)
    }

    fn by_activity(table: &SessionTable) -> Vec<String> {
        let mut all: Vec<_> = table.iter().map(|(id, entry)| (entry.order, id)).collect();
        all.sort_unstable();
        all.into_iter().map(|(_, id)| id.to_owned()).collect()
    }

    /// The same steps over sizes below and above the threshold of the index.
    #[test]
    fn a_table_of_any_size_knows_the_oldest_the_first_to_end_and_every_page() {
        let mut random = 0x9E37_79B9_u64;
        let mut next = move |below: u64| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            random % below
        };
        for ids in [4, 30, 200] {
            let mut table = SessionTable::default();
            for step in 1..6_000_u64 {
                let now = step * 3;
                let id = format!("s{}", next(ids));
                table.expire(now, |_, entry| assert!(entry.expires_ms() <= now));
                match next(4) {
                    0 => drop(table.remove(&id)),
                    1 => {
                        if let Some(entry) = table.get_mut(&id) {
                            entry.touch(now, step);
                        }
                    }
                    _ if !table.contains(&id) => {
                        table.insert(&id, entry(now, 50 + next(2_000), step));
                    }
                    _ => {}
                }
                let sorted = by_activity(&table);
                let end = table.iter().map(|(_, entry)| entry.expires_ms()).min();
                assert_eq!(table.first_end(), end);
                if next(3) == 0 {
                    assert_eq!(table.oldest().as_deref(), sorted.first().map(|id| &**id));
                }
                let (mut listed, mut from) = (Vec::new(), Some(Cursor::START));
                while let Some(cursor) = from {
                    let (page, further) = table.page(cursor, 7);
                    listed.extend(page.into_iter().map(|(id, _)| id.to_owned()));
                    from = further;
                }
                let mut all = sorted;
                all.sort();
                listed.sort();
                assert_eq!(listed, all);
            }
        }
    }
}
