//! A charge that a decision makes on a quota.

use super::idempotency::Idempotency;
use super::state::{QuotaRule, Spend};
use std::borrow::Cow;

/// The place of a quota that a request charges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuotaPlace {
    /// In the user's record.
    Record,
    /// Standalone, under a key of its own.
    Apart,
}

/// The charge of a request.
#[derive(Clone, Debug)]
pub struct Charge<'a> {
    /// The place of the quota.
    pub place: QuotaPlace,
    /// The quota's key there (docs/layout.md).
    pub key: Cow<'a, str>,
    /// Its rule.
    pub rule: QuotaRule,
    /// The units to take.
    pub spend: Spend,
    /// The idempotency key, if the charge has one.
    pub once: Option<Idempotency>,
}
