//! A key that exactly one caller gets, for a time or without end.

/// The holder of a key, and until when it holds the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    by: Box<str>,
    until_ms: Option<u64>,
}

impl Held {
    /// Whether the claim has expired.
    #[must_use]
    pub fn is_over(&self, now_ms: u64) -> bool {
        self.until_ms.is_some_and(|until| until <= now_ms)
    }
}

/// Gives the key to `by`, for `ttl_ms` or without end, unless another caller holds it. The holder gets true again; its
/// time continues unchanged.
pub fn take(key: &mut Option<Held>, by: &str, ttl_ms: Option<u64>, now_ms: u64) -> bool {
    if let Some(held) = key.as_ref().filter(|held| !held.is_over(now_ms)) {
        return *held.by == *by;
    }
    let until_ms = ttl_ms.map(|ttl| now_ms.saturating_add(ttl));
    *key = Some(Held { by: by.into(), until_ms });
    true
}

/// Frees the key, if `by` holds it.
pub fn release(key: &mut Option<Held>, by: &str, now_ms: u64) -> bool {
    let holds = key.as_ref().is_some_and(|held| *held.by == *by && !held.is_over(now_ms));
    if holds {
        *key = None;
    }
    holds
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_one_callers_until_its_time_has_passed_or_it_is_released() {
        let mut key = None;
        assert!(take(&mut key, "a", Some(10), 100));
        assert!(!take(&mut key, "b", None, 109));
        assert!(take(&mut key, "a", Some(1000), 109), "asked again");
        assert!(take(&mut key, "b", None, 110), "asking again prolonged nothing");
        assert!(!take(&mut key, "a", None, u64::MAX));
        assert!(!release(&mut key, "a", 200));
        assert!(release(&mut key, "b", 200));
        assert!(!release(&mut key, "b", 200));
        assert_eq!(key, None);
    }

    #[test]
    fn what_is_over_is_nobodys_to_release() {
        let mut key = None;
        take(&mut key, "a", Some(10), 100);
        assert!(!release(&mut key, "a", 110));
    }
}
