//! What was charged and may be given back: the receipts of direct charges, and the charges of requests
//! that wait for the end of their response.

use super::continuation::Continuation;
use crate::binding::results::result::{
    NativeConsumption, Outcome, Result, consumption, error, object,
};
use crate::core::base::error::Fault;
use crate::core::base::reason::Reason;
use crate::core::op::Verdict;
use crate::core::quota::charge::{Charge, QuotaPlace};
use crate::core::quota::spend::Refund;
use crate::core::quota::state::{Charged, Consumption, Refill};
use crate::core::request::request::Decision;
use crate::tokens::opaque::receipt::{Receipts, fresh_key};
use std::borrow::Cow;
use std::collections::HashMap;

/// A gate's.
#[derive(Default)]
pub struct Charges {
    receipts: Option<Receipts>,
    last: u64,
    /// Of requests that are under way, by number.
    open: HashMap<u64, Refund<'static>>,
}

/// What a charge will be, as far as it is known before it is made.
pub struct Draft(Refund<'static>);

const UNKNOWN: Charged = Charged { id: [0; 16], born_us: 0, void_ms: 0, at: 0 };

impl Draft {
    /// Of a quota that is charged directly.
    pub fn direct(key: String, units: u64, memory: Option<[u8; 16]>) -> Self {
        let (user, lasting, key) = (None, false, Cow::Owned(key));
        let of_request = false;
        Self(Refund { user, lasting, key, charged: UNKNOWN, units, memory, of_request })
    }

    /// Of a request.
    pub fn of(user: &str, charge: &Charge<'_>) -> Self {
        let here = charge.place == QuotaPlace::Record;
        Self(Refund {
            user: here.then(|| Cow::Owned(user.to_owned())),
            lasting: charge.rule.refill == Refill::Never && charge.spend.keep_ms.is_none(),
            key: Cow::Owned(charge.key.clone().into_owned()),
            charged: UNKNOWN,
            units: charge.spend.cost,
            memory: charge.once.as_ref().map(|once| once.name),
            of_request: true,
        })
    }
}

impl Charges {
    /// The key to propose to a store: the one known, so that a store that has lost it gets it back.
    pub fn proposed_key(&self) -> Result<[u8; 32]> {
        self.receipts.as_ref().map_or_else(|| fresh_key().map_err(error), |known| Ok(*known.key()))
    }

    /// What an outcome comes to, where it is about charges or about nothing in particular.
    pub fn finish(&mut self, continuation: Continuation, verdict: Verdict) -> Result<Outcome> {
        match (continuation, verdict) {
            (Continuation::LearnKey, Verdict::Key(key)) => {
                self.receipts = Some(Receipts::new(key));
                Ok(Outcome::default())
            }
            (Continuation::Consume(draft), Verdict::Consumption(told)) => {
                let consumption = self.sealed(*draft, &told)?;
                Ok(Outcome { consumption: Some(consumption), ..Default::default() })
            }
            (_, verdict) => Ok(object(verdict)),
        }
    }

    fn receipts(&self) -> Result<&Receipts> {
        let unasked = || error(Fault::input("the key of receipts was not asked for"));
        self.receipts.as_ref().ok_or_else(unasked)
    }

    /// A charge with its receipt, where something was charged.
    fn sealed(&self, Draft(refund): Draft, told: &Consumption) -> Result<NativeConsumption> {
        let mut native = consumption(*told);
        if let Some(charged) = told.charged {
            native.receipt = Some(self.receipts()?.seal(&Refund { charged, ..refund }));
        }
        Ok(native)
    }

    /// What a receipt says.
    pub fn opened(&self, receipt: &str) -> Result<Refund<'static>> {
        self.receipts()?.open(receipt).map_err(error)
    }

    /// Keeps the charge of a request that was let through; its number, 0 where there is nothing to give
    /// back. One that rests on what was charged to an earlier request gives it back where it is the last.
    pub fn keep(&mut self, draft: Option<Draft>, decision: &Decision) -> u64 {
        let charged = decision.quota.and_then(|quota| quota.charged);
        let allowed = decision.reason == Reason::Allowed;
        let Some((Draft(refund), charged)) = draft.zip(charged).filter(|_| allowed) else {
            return 0;
        };
        self.last += 1;
        self.open.insert(self.last, Refund { charged, ..refund });
        self.last
    }

    /// The charge of that number, which is settled by it.
    pub fn settle(&mut self, number: u64) -> Option<Refund<'static>> {
        self.open.remove(&number)
    }

    /// Charges of requests that are under way.
    #[cfg(feature = "test-stores")]
    pub fn len(&self) -> f64 {
        crate::binding::results::result::number(self.open.len() as u64)
    }
}
