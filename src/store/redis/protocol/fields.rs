//! Rules and tokens as the numbers that several scripts take.

use crate::core::base::reason::{Reason, Reasons};
use crate::core::revocation::epoch::Issued;
use crate::core::session::rule::{AdmissionRule, OnLimit};

/// When a token was issued: whether by a foreign clock, and the number that stands for it.
pub(crate) fn issued(issued: Issued) -> (bool, u64) {
    match issued {
        Issued::Own { generation } => (false, generation),
        Issued::Foreign { iat_ms } => (true, iat_ms),
    }
}

/// The limit that is kept, as the scripts take it: one more than it is, and 0 for none.
pub(crate) fn limit(rule: &AdmissionRule) -> u64 {
    rule.most().checked_add(1).unwrap_or(0)
}

/// Whether a new session takes the place of another.
pub(crate) fn evicts(rule: &AdmissionRule) -> bool {
    rule.on_limit == OnLimit::EvictOldest
}

/// Returns the reasons of a reply.
pub(crate) fn reasons(bits: u64, table: &[(u64, Reason)]) -> Reasons {
    let mut reasons = Reasons::default();
    for (bit, reason) in table {
        if bits & bit != 0 {
            reasons.add(*reason);
        }
    }
    reasons
}
