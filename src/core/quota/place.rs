//! State that a decision reads and changes outside the record.

use super::idempotency::RememberedCharge;
use super::state::QuotaState;

/// What an operation on a record touches that lies elsewhere, under the same lock.
#[derive(Default)]
pub struct Aside<'a> {
    /// The quota that a request is charged, where it does not lie in the record.
    pub quota: Option<&'a mut QuotaState>,
    /// What is remembered under the idempotency key that a request brings.
    pub memory: Option<&'a mut Option<RememberedCharge>>,
}
