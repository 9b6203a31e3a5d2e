//! The live sessions of one user. A handful stand in a row; from 33 on they are indexed by id and
//! by when they may end, so that a user with very many pays for one, not for all.

use super::hash::IdMap;
use super::session::Entry;
use std::collections::BTreeSet;

const SMALL: usize = 32;

/// Live sessions by id.
#[derive(Clone, Debug)]
pub enum SessionTable {
    /// At most `SMALL`, in no order.
    Row(Vec<(Box<str>, Entry)>),
    /// More.
    Indexed(Box<Index>),
}

/// Many sessions. `due` holds, for every session, an instant at or before its end: a touch moves the
/// end but not the instant, which is looked at again once it has passed.
#[derive(Clone, Debug, Default)]
pub struct Index {
    by_id: IdMap<Box<str>, (Entry, u64)>,
    due: BTreeSet<(u64, Box<str>)>,
}

impl Default for SessionTable {
    fn default() -> Self {
        Self::Row(Vec::new())
    }
}

impl SessionTable {
    /// How many there are, those that `expire` has not taken away yet among them.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Row(row) => row.len(),
            Self::Indexed(index) => index.by_id.len(),
        }
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The session of that id.
    pub fn get_mut(&mut self, id: &str) -> Option<&mut Entry> {
        match self {
            Self::Row(row) => row.iter_mut().find(|(key, _)| **key == *id).map(|(_, entry)| entry),
            Self::Indexed(index) => index.by_id.get_mut(id).map(|(entry, _)| entry),
        }
    }

    /// Whether a session of that id is here.
    #[must_use]
    pub fn contains(&self, id: &str) -> bool {
        match self {
            Self::Row(row) => row.iter().any(|(key, _)| **key == *id),
            Self::Indexed(index) => index.by_id.contains_key(id),
        }
    }

    /// Adds a session. The id must not be here.
    pub fn insert(&mut self, id: &str, entry: Entry) {
        match self {
            Self::Row(row) if row.len() < SMALL => {
                // One at a time while there are few: most users have one session, and pay for one.
                if row.len() < 4 {
                    row.reserve_exact(1);
                }
                row.push((id.into(), entry));
            }
            Self::Row(row) => {
                let mut index = Box::<Index>::default();
                for (key, old) in row.drain(..) {
                    index.insert(key, old);
                }
                index.insert(id.into(), entry);
                *self = Self::Indexed(index);
            }
            Self::Indexed(index) => index.insert(id.into(), entry),
        }
    }

    /// Takes a session out.
    pub fn remove(&mut self, id: &str) -> Option<Entry> {
        match self {
            Self::Row(row) => {
                let at = row.iter().position(|(key, _)| **key == *id)?;
                Some(row.swap_remove(at).1)
            }
            Self::Indexed(index) => {
                let (key, (entry, due)) = index.by_id.remove_entry(id)?;
                index.due.remove(&(due, key));
                Some(entry)
            }
        }
    }

    /// Takes out every session that has ended by `now_ms` and hands each over.
    pub fn expire(&mut self, now_ms: u64, mut gone: impl FnMut(Box<str>, &Entry)) {
        match self {
            Self::Row(row) => {
                let mut at = 0;
                while at < row.len() {
                    if row[at].1.expires_ms() <= now_ms {
                        let (id, entry) = row.swap_remove(at);
                        gone(id, &entry);
                    } else {
                        at += 1;
                    }
                }
            }
            Self::Indexed(index) => {
                while index.due.first().is_some_and(|(due, _)| *due <= now_ms) {
                    let Some((_, id)) = index.due.pop_first() else {
                        break;
                    };
                    let Some((entry, due)) = index.by_id.get_mut(&id) else {
                        continue;
                    };
                    if entry.expires_ms() <= now_ms {
                        if let Some((id, (entry, _))) = index.by_id.remove_entry(&id) {
                            gone(id, &entry);
                        }
                    } else {
                        *due = entry.expires_ms();
                        index.due.insert((*due, id));
                    }
                }
                if index.by_id.len() <= SMALL / 2 {
                    let row = std::mem::take(&mut index.by_id);
                    *self =
                        Self::Row(row.into_iter().map(|(id, (entry, _))| (id, entry)).collect());
                }
            }
        }
    }

    /// Every session, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Entry)> {
        let (row, index) = match self {
            Self::Row(row) => (Some(row), None),
            Self::Indexed(index) => (None, Some(index)),
        };
        let in_row = row.into_iter().flatten().map(|(id, entry)| (&**id, entry));
        let in_index = index
            .into_iter()
            .flat_map(|index| index.by_id.iter().map(|(id, (entry, _))| (&**id, entry)));
        in_row.chain(in_index)
    }

    /// The ids, least recently active first.
    #[must_use]
    pub fn by_activity(&self) -> Vec<&str> {
        let mut all: Vec<_> = self.iter().map(|(id, entry)| (entry.order, id)).collect();
        all.sort_unstable();
        all.into_iter().map(|(_, id)| id).collect()
    }
}

impl Index {
    fn insert(&mut self, id: Box<str>, entry: Entry) {
        let due = entry.expires_ms();
        self.due.insert((due, id.clone()));
        self.by_id.insert(id, (entry, due));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::op::{AdmissionRule, OnLimit};
    use std::collections::BTreeMap;

    fn entry(now: u64, idle: u64, order: u64) -> Entry {
        let rule = AdmissionRule {
            limit: None,
            on_limit: OnLimit::Reject,
            idle_ms: idle,
            absolute_ms: 1_000_000,
        };
        Entry::new(&rule, None, now, order)
    }

    /// The same steps on the table and on a plain map, over sizes on both sides of the change of form.
    #[test]
    fn a_table_of_any_size_answers_like_a_plain_map() {
        let mut random = 0x9E37_79B9_u64;
        let mut next = move |below: u64| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            random % below
        };
        for ids in [4, 30, 200] {
            let mut table = SessionTable::default();
            let mut model: BTreeMap<String, Entry> = BTreeMap::new();
            for step in 0..6_000_u64 {
                let now = step * 3;
                let id = format!("s{}", next(ids));
                let mut gone = Vec::new();
                table.expire(now, |id, _| gone.push(id.to_string()));
                gone.sort();
                let due: Vec<String> = model
                    .iter()
                    .filter(|(_, e)| e.expires_ms() <= now)
                    .map(|(id, _)| id.clone())
                    .collect();
                model.retain(|_, e| e.expires_ms() > now);
                assert_eq!(gone, due);
                match next(4) {
                    0 => assert_eq!(table.remove(&id).is_some(), model.remove(&id).is_some()),
                    1 => {
                        assert_eq!(table.contains(&id), model.contains_key(&id));
                        if let Some(entry) = table.get_mut(&id) {
                            entry.touch(now, step);
                        }
                        if let Some(entry) = model.get_mut(&id) {
                            entry.touch(now, step);
                        }
                    }
                    _ if !table.contains(&id) => {
                        let new = entry(now, 50 + next(2_000), step);
                        table.insert(&id, new.clone());
                        model.insert(id, new);
                    }
                    _ => {}
                }
                assert_eq!(table.len(), model.len());
                let mut expected: Vec<_> = model.iter().map(|(id, e)| (e.order, id)).collect();
                expected.sort();
                let expected: Vec<_> = expected.into_iter().map(|(_, id)| id.as_str()).collect();
                assert_eq!(table.by_activity(), expected);
            }
        }
    }

    #[test]
    fn a_session_ended_in_a_large_table_leaves_no_entry_behind() {
        let mut table = SessionTable::default();
        for n in 0..100 {
            table.insert(&format!("s{n}"), entry(0, 1_000, n));
        }
        for n in 0..100 {
            assert!(table.remove(&format!("s{n}")).is_some());
        }
        let SessionTable::Indexed(index) = &table else { panic!("a large table is indexed") };
        assert!(index.by_id.is_empty() && index.due.is_empty());
        table.expire(0, |_, _| ());
        assert!(matches!(table, SessionTable::Row(_)));
    }
}
