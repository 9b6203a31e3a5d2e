//! A charge that a decision makes on a quota.

use super::idempotency::Idempotency;
use super::state::{QuotaRule, Spend};
use std::borrow::Cow;

/// Where a quota that a request is charged lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuotaPlace {
    /// In the user's record.
    Record,
    /// Apart from it, under a key of its own.
    Apart,
}

/// What a request is charged.
#[derive(Clone, Debug)]
pub struct Charge<'a> {
    /// Where it lies.
    pub place: QuotaPlace,
    /// The quota's key there (docs/layout.md).
    pub key: Cow<'a, str>,
    /// Its rule.
    pub rule: QuotaRule,
    /// What is taken.
    pub spend: Spend,
    /// Once, under this.
    pub once: Option<Idempotency>,
}
