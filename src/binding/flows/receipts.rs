//! Charges that can be refunded: the receipts of direct charges, and the charges of requests whose response has not ended.

use super::pending_refund::PendingRefund;
use crate::binding::convert::{Result, error};
use crate::binding::results::quota::{NativeConsumption, consumption};
use crate::core::base::error::Fault;
use crate::core::base::reason::Reason;
use crate::core::quota::spend::Refund;
use crate::core::quota::state::Consumption;
use crate::core::request::request::Decision;
use crate::tokens::opaque::receipt::{Receipts, fresh_key};
use std::collections::HashMap;

/// The refundable charges of one Auth.
#[derive(Default)]
pub struct Charges {
    receipts: Option<Receipts>,
    last_number: u64,
    /// Charges of requests in progress, by number.
    open: HashMap<u64, Refund<'static>>,
}

impl Charges {
    /// The key to propose to the store: the known key, so that a store that has lost it gets it back.
    pub fn proposed_key(&self) -> Result<[u8; 32]> {
        self.receipts.as_ref().map_or_else(|| fresh_key().map_err(error), |known| Ok(*known.key()))
    }

    /// Stores the key of receipts.
    pub fn learn_key(&mut self, key: [u8; 32]) {
        self.receipts = Some(Receipts::new(key));
    }

    fn receipts(&self) -> Result<&Receipts> {
        let unasked = || error(Fault::input("the key of receipts was not asked for"));
        self.receipts.as_ref().ok_or_else(unasked)
    }

    /// The result of a charge as an object; with a receipt if units were charged.
    pub fn sealed(&self, refund: PendingRefund, made: &Consumption) -> Result<NativeConsumption> {
        let mut native = consumption(*made);
        if let Some(charged) = made.charged {
            native.receipt = Some(self.receipts()?.seal(&refund.charged(charged)));
        }
        Ok(native)
    }

    /// The refund that a receipt is for.
    pub fn opened(&self, receipt: &str) -> Result<Refund<'static>> {
        self.receipts()?.open(receipt).map_err(error)
    }

    /// Stores the charge of a request that was allowed. Returns its number; 0 if there is nothing to refund.
    pub fn keep(&mut self, refund: Option<PendingRefund>, decision: &Decision) -> u64 {
        let charged = decision.quota.and_then(|quota| quota.charged);
        let allowed = decision.reason == Reason::Allowed;
        let Some((refund, charged)) = refund.zip(charged).filter(|_| allowed) else {
            return 0;
        };
        self.last_number += 1;
        self.open.insert(self.last_number, refund.charged(charged));
        self.last_number
    }

    /// Removes the charge with that number and returns its refund.
    pub fn settle(&mut self, number: u64) -> Option<Refund<'static>> {
        self.open.remove(&number)
    }

    /// Number of charges of requests in progress.
    #[cfg(feature = "test-stores")]
    pub fn len(&self) -> usize {
        self.open.len()
    }
}
