//! A map whose entries expire. Up to 32 entries are a plain list. A larger map has an index by key and an index by
//! expiry. So an expiry costs as much as the number of expired entries.

use super::hash::IdMap;
use std::borrow::Borrow;
use std::collections::BTreeSet;
use std::hash::Hash;
use std::ops::Bound;

const SMALL: usize = 32;

/// The most entries that one operation lists, ends or drops if the others can wait.
pub const SLICE: usize = 200;

/// A value that expires.
pub trait Due {
    /// The instant, in milliseconds, from which the value may be dropped.
    fn due_ms(&self) -> u64;
}

impl Due for u64 {
    fn due_ms(&self) -> u64 {
        *self
    }
}

/// The map.
#[derive(Clone, Debug)]
pub enum DueMap<K, V> {
    /// At most `SMALL` entries, in no order.
    Row(Vec<(K, V)>),
    /// More entries.
    Indexed(Box<Index<K, V>>),
}

/// Many entries. `due` holds an instant at or before the end of each entry. An entry whose end has moved is checked
/// again at that instant.
#[derive(Clone, Debug)]
pub struct Index<K, V> {
    by_key: IdMap<K, (V, u64)>,
    due: BTreeSet<(u64, K)>,
}

impl<K, V> Default for DueMap<K, V> {
    fn default() -> Self {
        Self::Row(Vec::new())
    }
}

impl<K: Clone + Eq + Hash + Ord, V: Due> DueMap<K, V> {
    /// Number of entries, including expired entries that `expire` has not removed yet.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Row(row) => row.len(),
            Self::Indexed(index) => index.by_key.len(),
        }
    }

    /// Whether the map has no entries.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value of that key.
    pub fn get<Q: ?Sized + Eq + Hash>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        match self {
            Self::Row(row) => row.iter().find(|(k, _)| k.borrow() == key).map(|(_, value)| value),
            Self::Indexed(index) => index.by_key.get(key).map(|(value, _)| value),
        }
    }

    /// The value of that key, to be changed. Its end must not move to an earlier instant: see [`Self::change`].
    pub fn get_mut<Q: ?Sized + Eq + Hash>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        match self {
            Self::Row(row) => {
                row.iter_mut().find(|(k, _)| (*k).borrow() == key).map(|(_, value)| value)
            }
            Self::Indexed(index) => index.by_key.get_mut(key).map(|(value, _)| value),
        }
    }

    /// Changes the value of that key. Its end may move in both directions.
    pub fn change<Q: ?Sized + Eq + Hash, T>(
        &mut self,
        key: &Q,
        run: impl FnOnce(&mut V) -> T,
    ) -> Option<T>
    where
        K: Borrow<Q>,
    {
        let Self::Indexed(index) = self else { return self.get_mut(key).map(run) };
        let Index { by_key, due } = &mut **index;
        let (value, at) = by_key.get_mut(key)?;
        let result = run(value);
        let now_due = value.due_ms();
        if now_due < *at {
            let before = std::mem::replace(at, now_due);
            let (key, _) = by_key.get_key_value(key)?;
            let mut entry = (before, key.clone());
            due.remove(&entry);
            entry.0 = now_due;
            due.insert(entry);
        }
        Some(result)
    }

    /// Whether the map has an entry of that key.
    #[must_use]
    pub fn contains<Q: ?Sized + Eq + Hash>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.get(key).is_some()
    }

    /// Inserts a value, and replaces an earlier value of that key.
    pub fn insert(&mut self, key: K, value: V) {
        match self {
            Self::Row(row) => {
                if let Some((_, old)) = row.iter_mut().find(|(k, _)| *k == key) {
                    *old = value;
                } else if row.len() < SMALL {
                    // A short list grows by one entry at a time: most users have one session, and pay for one.
                    if row.len() < 4 {
                        row.reserve_exact(1);
                    }
                    row.push((key, value));
                } else {
                    let mut index = Box::<Index<K, V>>::default();
                    for (key, value) in row.drain(..) {
                        index.insert(key, value);
                    }
                    index.insert(key, value);
                    *self = Self::Indexed(index);
                }
            }
            Self::Indexed(index) => index.insert(key, value),
        }
    }

    /// Removes an entry.
    pub fn remove<Q: ?Sized + Eq + Hash>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        match self {
            Self::Row(row) => {
                let at = row.iter().position(|(k, _)| k.borrow() == key)?;
                Some(row.swap_remove(at).1)
            }
            Self::Indexed(index) => {
                let (key, (value, due)) = index.by_key.remove_entry(key)?;
                index.due.remove(&(due, key));
                Some(value)
            }
        }
    }

    /// Removes the entries whose key is `meant`. Visits all entries.
    pub fn remove_where(&mut self, meant: impl Fn(&K) -> bool) {
        let keys: Vec<K> =
            self.iter().map(|(key, _)| key).filter(|key| meant(key)).cloned().collect();
        for key in keys {
            self.remove(&key);
        }
    }

    /// Removes at most `most` entries that have ended by `now_ms`, and passes each to the callback.
    pub fn expire(&mut self, now_ms: u64, most: usize, mut gone: impl FnMut(K, V)) {
        match self {
            Self::Row(row) => {
                let mut at = 0;
                while at < row.len() {
                    if row[at].1.due_ms() <= now_ms {
                        let (key, value) = row.swap_remove(at);
                        gone(key, value);
                    } else {
                        at += 1;
                    }
                }
                if row.is_empty() && row.capacity() > 0 {
                    *row = Vec::new();
                }
            }
            Self::Indexed(index) => {
                for _ in 0..most {
                    if index.due.first().is_none_or(|(due, _)| *due > now_ms) {
                        break;
                    }
                    let Some((_, key)) = index.due.pop_first() else { break };
                    let Some((value, due)) = index.by_key.get_mut(&key) else { continue };
                    if value.due_ms() <= now_ms {
                        if let Some((key, (value, _))) = index.by_key.remove_entry(&key) {
                            gone(key, value);
                        }
                    } else {
                        *due = value.due_ms();
                        index.due.insert((*due, key));
                    }
                }
                if index.by_key.len() <= SMALL / 2 {
                    let by_key = std::mem::take(&mut index.by_key);
                    *self = Self::Row(
                        by_key.into_iter().map(|(key, (value, _))| (key, value)).collect(),
                    );
                }
            }
        }
    }

    /// An instant at or before the earliest end, in milliseconds.
    #[must_use]
    pub fn least_due(&self) -> u64 {
        match self {
            Self::Row(row) => row.iter().map(|(_, value)| value.due_ms()).min(),
            Self::Indexed(index) => index.due.first().map(|(due, _)| *due),
        }
        .unwrap_or(u64::MAX)
    }

    /// The earliest end of all, in milliseconds.
    pub fn first_due(&mut self) -> Option<u64> {
        let Self::Indexed(index) = self else {
            return self.iter().map(|(_, value)| value.due_ms()).min();
        };
        loop {
            let (due, key) = index.due.first()?;
            let (due, key) = (*due, key.clone());
            let (value, at) = index.by_key.get_mut(&key)?;
            if value.due_ms() <= due {
                return Some(value.due_ms());
            }
            *at = value.due_ms();
            index.due.pop_first();
            index.due.insert((*at, key));
        }
    }

    /// At most `most` keys after that position, and the position of the last key if more may follow.
    pub fn page(&self, from: Option<(u64, K)>, most: usize) -> (Vec<K>, Option<(u64, K)>) {
        let index = match self {
            Self::Row(row) => return (row.iter().map(|(key, _)| key.clone()).collect(), None),
            Self::Indexed(index) => index,
        };
        let from = from.map_or(Bound::Unbounded, Bound::Excluded);
        let page: Vec<_> = index.due.range((from, Bound::Unbounded)).take(most).collect();
        let next = page.last().filter(|_| page.len() == most).map(|last| (*last).clone());
        (page.into_iter().map(|(_, key)| key.clone()).collect(), next)
    }

    /// Every entry, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        let (row, index) = match self {
            Self::Row(row) => (Some(row), None),
            Self::Indexed(index) => (None, Some(index)),
        };
        let in_row = row.into_iter().flatten().map(|(key, value)| (key, value));
        let in_index = index
            .into_iter()
            .flat_map(|index| index.by_key.iter().map(|(key, (value, _))| (key, value)));
        in_row.chain(in_index)
    }
}

impl<K, V> Default for Index<K, V> {
    fn default() -> Self {
        Self { by_key: IdMap::default(), due: BTreeSet::new() }
    }
}

impl<K: Clone + Eq + Hash + Ord, V: Due> Index<K, V> {
    fn insert(&mut self, key: K, value: V) {
        let due = value.due_ms();
        self.due.insert((due, key.clone()));
        if let Some((_, before)) = self.by_key.insert(key.clone(), (value, due))
            && before != due
        {
            self.due.remove(&(before, key));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    /// Small numbers from a seed: xorshift.
    fn numbers(seed: u64) -> impl FnMut(u64) -> u64 {
        let mut state = seed | 1;
        move |below| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state % below
        }
    }

    #[test]
    fn row_and_index_hold_what_a_plain_map_holds_through_any_sequence() {
        for seed in 1..40 {
            let mut next = numbers(seed * 7_919);
            let (mut map, mut model) = (DueMap::<Box<str>, u64>::default(), BTreeMap::new());
            let keys = 20 + next(80);
            let mut now = 1_000;
            for _ in 0..600 {
                let key = format!("k{}", next(keys));
                match next(6) {
                    0 => assert_eq!(map.remove(&*key), model.remove(&key)),
                    1 => {
                        let due = now + next(500);
                        let changed = map.change(&*key, |value| *value = due);
                        assert_eq!(changed.is_some(), model.contains_key(&key));
                        model.entry(key).and_modify(|value| *value = due);
                    }
                    2 => {
                        now += next(100);
                        let mut gone = Vec::new();
                        map.expire(now, usize::MAX, |key, due| gone.push((key.to_string(), due)));
                        gone.sort();
                        let due: Vec<_> = model
                            .iter()
                            .filter(|(_, due)| **due <= now)
                            .map(|(key, due)| (key.clone(), *due))
                            .collect();
                        model.retain(|_, due| *due > now);
                        assert_eq!(gone, due);
                    }
                    _ => {
                        let due = now + 1 + next(500);
                        map.insert(key.as_str().into(), due);
                        model.insert(key, due);
                    }
                }
                assert_eq!(map.len(), model.len());
                let mut held: Vec<_> =
                    map.iter().map(|(key, due)| (key.to_string(), *due)).collect();
                held.sort();
                assert_eq!(held, model.clone().into_iter().collect::<Vec<_>>());
                assert!(held.iter().all(|(key, due)| map.get(&**key) == Some(due)));
            }
        }
    }

    #[test]
    fn one_call_of_expire_removes_at_most_the_given_number() {
        let mut map = DueMap::<u64, u64>::default();
        for key in 0..1_000 {
            map.insert(key, key);
        }
        let mut gone = 0;
        map.expire(2_000, 200, |_, _| gone += 1);
        assert_eq!((gone, map.len()), (200, 800));
        map.expire(499, 1_000, |_, _| gone += 1);
        assert_eq!((gone, map.len()), (500, 500));
    }

    #[test]
    fn an_emptied_map_keeps_nothing() {
        let mut map = DueMap::<u64, u64>::default();
        for key in 0..100 {
            map.insert(key, 10);
        }
        for key in 0..100 {
            assert!(map.remove(&key).is_some());
        }
        let DueMap::Indexed(index) = &map else { panic!("a large map is indexed") };
        assert!(index.by_key.is_empty() && index.due.is_empty());
        map.expire(0, usize::MAX, |_, _| ());
        assert!(matches!(map, DueMap::Row(_)));
    }
}
