//! A refund that is prepared before its charge is made.

use crate::core::quota::charge::{Charge, QuotaPlace};
use crate::core::quota::spend::Refund;
use crate::core::quota::state::{Charged, Refill};
use std::borrow::Cow;

/// The refund of a charge that is not made yet: all of it but what the charge returns.
pub struct PendingRefund(Refund<'static>);

const UNKNOWN: Charged = Charged { id: [0; 16], born_us: 0, void_ms: 0, at: 0 };

impl PendingRefund {
    /// The refund of a quota that is charged directly.
    pub fn direct(key: String, units: u64, memory: Option<[u8; 16]>) -> Self {
        let (user, lasting, key) = (None, false, Cow::Owned(key));
        let of_request = false;
        Self(Refund { user, lasting, key, charged: UNKNOWN, units, memory, of_request })
    }

    /// The refund of what a request is charged; `None` if it is not refundable.
    pub fn of_request(user: &str, charge: Option<&Charge<'_>>) -> Option<Box<Self>> {
        let charge = charge.filter(|charge| charge.spend.receipt.is_some())?;
        let in_record = charge.place == QuotaPlace::Record;
        Some(Box::new(Self(Refund {
            user: in_record.then(|| Cow::Owned(user.to_owned())),
            lasting: charge.rule.refill == Refill::Never && charge.spend.keep_ms.is_none(),
            key: Cow::Owned(charge.key.clone().into_owned()),
            charged: UNKNOWN,
            units: charge.spend.cost,
            memory: charge.once.as_ref().map(|once| once.name),
            of_request: true,
        })))
    }

    /// The refund, now that the charge is made.
    pub fn charged(self, charged: Charged) -> Refund<'static> {
        Refund { charged, ..self.0 }
    }
}
