//! Counters of a user: changes that are applied whole or not at all, within bounds.

use crate::core::base::error::Fault;
use crate::core::base::hash::IdMap;
use crate::core::base::limits::MAX_INTEGER;
use crate::core::quota::idempotency::{Idempotency, Remembered};
use crate::core::request::credential::Credential;
use std::borrow::Cow;

/// The largest value. The smallest is its negative. Beyond them doubles lose integers.
pub const MOST: i64 = MAX_INTEGER.cast_signed();

/// The stored answer of an operation: the values after it.
pub type RememberedValues = Remembered<Box<[i64]>>;

/// One counter's change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change<'a> {
    /// The counter's name.
    pub name: Cow<'a, str>,
    /// The number to add.
    pub delta: i64,
    /// The least allowed value after the change.
    pub min: i64,
    /// The largest allowed value after the change.
    pub max: i64,
}

/// Changes of one user's counters, all or none. Without changes, it only looks.
#[derive(Clone, Debug)]
pub struct Apply<'a> {
    /// The user id.
    pub user: Cow<'a, str>,
    /// The changes. Each name occurs once.
    pub changes: Vec<Change<'a>>,
    /// The idempotency key, if there is one.
    pub once: Option<Idempotency>,
    /// The credential that must be valid.
    pub credential: Option<Credential<'a>>,
}

/// The result of changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// Whether all changes were made.
    pub applied: bool,
    /// The answer was stored: the changes were made before.
    pub replayed: bool,
    /// The values after the changes, or the current values if they were not made. In the order of the changes.
    pub values: Vec<i64>,
}

impl Change<'_> {
    /// The new value, if the change allows it.
    #[must_use]
    pub fn of(&self, value: i64) -> Option<i64> {
        let (min, max) = (self.min.max(-MOST), self.max.min(MOST));
        value.checked_add(self.delta).filter(|sum| (min..=max).contains(sum))
    }
}

impl Apply<'_> {
    /// Whether it changes anything. The answer to a look is not stored.
    #[must_use]
    pub fn is_act(&self) -> bool {
        self.changes.iter().any(|change| change.delta != 0)
    }

    /// The same, owning what it names.
    #[must_use]
    pub fn into_owned(self) -> Apply<'static> {
        let own = |change: Change<'_>| Change {
            name: Cow::Owned(change.name.into_owned()),
            delta: change.delta,
            min: change.min,
            max: change.max,
        };
        Apply {
            user: Cow::Owned(self.user.into_owned()),
            changes: self.changes.into_iter().map(own).collect(),
            once: self.once,
            credential: self.credential.map(Credential::into_owned),
        }
    }
}

/// The counters of one user by name. A counter whose value is 0 takes no space. Most users have none, and pay one word for
/// it.
#[derive(Clone, Debug, Default)]
pub struct Counters(Option<Box<IdMap<Box<str>, i64>>>);

impl Counters {
    /// Applies changes, all or none. `found`: the answer stored under the idempotency key. Returns the answer, and the
    /// answer to store from now on, if it is new.
    ///
    /// # Errors
    /// `ERR_LATCHGATE_INPUT` if the idempotency key was used for another question.
    pub fn apply(
        &mut self,
        apply: &Apply<'_>,
        found: Option<&RememberedValues>,
        now_ms: u64,
    ) -> Result<(Applied, Option<RememberedValues>), Fault> {
        if let Some(once) = &apply.once
            && let Some(values) = Remembered::recall(found, once, now_ms)?
        {
            let replay = Applied { applied: true, replayed: true, values: values.to_vec() };
            return Ok((replay, None));
        }
        let (applied, values) = self.change(&apply.changes);
        let once = apply.once.as_ref().filter(|_| applied && apply.is_act());
        let fresh = once.map(|once| Remembered::new(once, values.clone().into(), now_ms));
        Ok((Applied { applied, replayed: false, values }, fresh))
    }

    /// All changes, or none.
    fn change(&mut self, changes: &[Change<'_>]) -> (bool, Vec<i64>) {
        let before: Vec<i64> = changes.iter().map(|change| self.get(&change.name)).collect();
        let after: Option<Vec<i64>> =
            changes.iter().zip(&before).map(|(change, value)| change.of(*value)).collect();
        let Some(after) = after else {
            return (false, before);
        };
        for ((change, value), was) in changes.iter().zip(&after).zip(&before) {
            if value != was {
                self.set(&change.name, *value);
            }
        }
        (true, after)
    }

    fn get(&self, name: &str) -> i64 {
        self.0.as_ref().and_then(|counters| counters.get(name)).copied().unwrap_or(0)
    }

    fn set(&mut self, name: &str, value: i64) {
        let counters = self.0.get_or_insert_default();
        if value != 0 {
            counters.insert(name.into(), value);
            return;
        }
        counters.remove(name);
        if counters.is_empty() {
            self.0 = None;
        } else if counters.len() < counters.capacity() / 4 {
            counters.shrink_to_fit();
        }
    }

    /// Whether every counter is 0.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// For the canonical dump: equal states read equal.
    #[must_use]
    pub fn describe(&self) -> String {
        let mut counters: Vec<_> = self.0.iter().flat_map(|counters| counters.iter()).collect();
        counters.sort();
        format!("counters={counters:?}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(delta: i64, min: i64, max: i64) -> Change<'static> {
        Change { name: "c".into(), delta, min, max }
    }

    #[test]
    fn a_sum_outside_the_bounds_or_the_safe_range_is_none() {
        assert_eq!(change(1, 0, 10).of(9), Some(10));
        assert_eq!(change(1, 0, 10).of(10), None);
        assert_eq!(change(-1, 0, 10).of(0), None);
        assert_eq!(change(-5, 0, 10).of(15), Some(10), "from outside to within");
        assert_eq!(change(1, i64::MIN, i64::MAX).of(MOST), None);
        assert_eq!(change(-1, i64::MIN, i64::MAX).of(-MOST), None);
        assert_eq!(change(i64::MAX, i64::MIN, i64::MAX).of(MOST), None, "and no wrap");
        assert_eq!(change(-2 * MOST, -MOST, MOST).of(MOST), Some(-MOST));
    }

    #[test]
    fn a_counter_that_is_0_leaves_nothing() {
        let mut counters = Counters::default();
        let add = |delta| Change { name: "c".into(), delta, min: -MOST, max: MOST };
        assert_eq!(counters.change(&[add(3)]), (true, vec![3]));
        assert!(!counters.is_empty());
        assert_eq!(counters.change(&[add(-3)]), (true, vec![0]));
        assert!(counters.is_empty());
        assert_eq!(counters.change(&[add(0)]), (true, vec![0]));
        assert!(counters.is_empty());
    }

    #[test]
    fn a_large_table_of_counters_shrinks_as_it_empties() {
        let mut counters = Counters::default();
        for delta in [1, -1] {
            for n in 0..2000 {
                counters.change(&[Change { name: n.to_string().into(), ..change(delta, 0, 1) }]);
            }
            let kept = counters.0.as_ref().map_or(0, |counters| counters.len());
            assert_eq!(kept, if delta == 1 { 2000 } else { 0 });
        }
        assert!(counters.0.is_none());
    }
}
