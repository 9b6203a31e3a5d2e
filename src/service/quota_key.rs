//! What a policy charges a request, and the key under which it is counted (docs/layout.md).

use crate::core::op::{Charge, QuotaPlace};
use crate::core::quota::{QuotaRule, Refill};
use std::borrow::Cow;

/// Whose units they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    /// The user.
    User,
    /// The session.
    Session,
    /// Whoever a function of the request names.
    Named,
}

/// A policy's quota.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyQuota {
    /// Its name: the same name means the same units, in whichever policy.
    pub name: String,
    /// Whose units they are.
    pub holder: Holder,
    /// Its rule.
    pub rule: QuotaRule,
    /// What a request costs unless it says otherwise.
    pub cost: u64,
}

/// Keys of different algorithms are different, so that none misreads another's state.
const fn tag(rule: &QuotaRule) -> char {
    match rule.refill {
        Refill::Never => 'b',
        Refill::Window(_) => 'w',
    }
}

impl PolicyQuota {
    /// What a request of this session is charged; `named` is what the function named.
    #[must_use]
    pub fn charge(
        &self,
        session: &str,
        named: &str,
        cost: u64,
        session_ms: u64,
    ) -> Charge<'static> {
        let Self { name, rule, .. } = self;
        let tag = tag(rule);
        // A name holds no control character: the zero byte ends it.
        let (place, key, keep_ms) = match self.holder {
            Holder::User => (QuotaPlace::Record, format!("{tag}u{name}"), None),
            Holder::Session => {
                let key = format!("{tag}s{name}\0{session}");
                (QuotaPlace::Record, key, Some(session_ms))
            }
            Holder::Named => (QuotaPlace::Apart, format!("{tag}p{name}\0{named}"), None),
        };
        Charge { place, key: Cow::Owned(key), rule: *rule, cost, keep_ms }
    }
}

/// The key of a quota that is charged directly.
#[must_use]
pub fn direct_key(key: &str, rule: &QuotaRule) -> String {
    format!("{}d{key}", tag(rule))
}

/// Every key that a quota charged directly may be counted under.
#[must_use]
pub fn direct_keys(key: &str) -> Vec<String> {
    ["b", "w"].iter().map(|tag| format!("{tag}d{key}")).collect()
}
