//! State that a decision reads and changes outside the record.

use super::idempotency::RememberedCharge;
use super::state::QuotaState;

/// State outside the record that an operation reads and changes under the same lock.
#[derive(Default)]
pub struct SideState<'a> {
    /// The standalone quota that the request charges.
    pub quota: Option<&'a mut QuotaState>,
    /// The stored answer under the idempotency key of the request.
    pub memory: Option<&'a mut Option<RememberedCharge>>,
}
