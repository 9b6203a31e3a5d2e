//! Decisions on their way to JavaScript: numbers in a verdict record, charges and evicted sessions by number.

use crate::binding::flows::evicted::Evicted;
use crate::binding::flows::pending_refund::PendingRefund;
use crate::binding::flows::receipts::Charges;
use crate::binding::results::verdict_record::Records;
use crate::core::request::request::Decision;

/// The verdict records, and what JavaScript can ask about a decision afterwards.
pub struct Decisions {
    pub records: Records,
    pub charges: Charges,
    pub evicted: Evicted,
}

impl Decisions {
    pub fn new(records: Records) -> Self {
        Self { records, charges: Charges::default(), evicted: Evicted::default() }
    }

    /// Writes a decision into the record at `at`. `id`: its completion id; 0 for a decision that is answered inline.
    pub fn write(
        &mut self,
        at: usize,
        id: f64,
        decision: &mut Decision,
        session_is_token: bool,
        refund: Option<Box<PendingRefund>>,
    ) {
        let charge = self.charges.keep(refund.map(|refund| *refund), decision);
        let numbers = [charge, self.evicted.keep(decision)];
        self.records.decision(at, id, decision, session_is_token, numbers);
    }
}
