//! The methods for quotas.

use super::NativeAuth;
use crate::binding::config;
use crate::binding::convert::{Result, error, to_id, to_integer};
use crate::binding::flows::continuation::Continuation;
use crate::binding::flows::pending_refund::PendingRefund;
use crate::binding::flows::policy::to_idempotency_key;
use crate::binding::results::result::flag;
use crate::binding::runtime::auth::NowOrLater;
use crate::binding::runtime::slots::{enter, enter_still};
use crate::core::op::Act;
use crate::core::quota::spend::{AddUnits, Consume};
use crate::core::quota::state::Spend;
use crate::tokens::opaque::receipt::receipt_id;
use crate::tokens::request::quota_key::{Kind, direct_key, direct_keys, idempotency};
use napi::bindgen_prelude::Either;
use napi_derive::napi;
use std::borrow::Cow;

#[napi]
impl NativeAuth {
    /// Charges a quota; a cost of 0 looks. `windowMs` NaN: a balance. What is charged needs the key of
    /// receipts: see `receiptKey`.
    #[napi]
    pub fn consume(
        &self,
        key: String,
        limit: f64,
        window_ms: f64,
        bucket: bool,
        cost: f64,
        once: Option<String>,
    ) -> Result<NowOrLater> {
        let rule = config::quota_rule(limit, window_ms, bucket).map_err(error)?;
        let cost = to_integer("cost", cost, 0).map_err(error)?;
        let key = direct_key(&to_id("key", key)?, &rule);
        let once = to_idempotency_key(once.as_deref())?
            .map(|once| idempotency("", &key, once, Kind::Charge, &rule, cost));
        let receipt = (cost > 0).then(receipt_id).transpose().map_err(error)?;
        let refund = PendingRefund::direct(key.clone(), cost, once.map(|once| once.name));
        let spend = Spend { receipt, ..Spend::of(cost) };
        let act = Act::Consume(Consume { key: key.into(), rule, spend, once });
        enter(&self.runtime, |runtime| runtime.submit(act, Continuation::Consume(Box::new(refund))))
    }

    /// Tops a balance up.
    #[napi]
    pub fn add_units(
        &self,
        key: String,
        limit: f64,
        units: f64,
        once: Option<String>,
    ) -> Result<NowOrLater> {
        let rule = config::quota_rule(limit, f64::NAN, false).map_err(error)?;
        let units = to_integer("units", units, 1).map_err(error)?;
        let key = direct_key(&to_id("key", key)?, &rule);
        let once = to_idempotency_key(once.as_deref())?
            .map(|once| idempotency("", &key, once, Kind::TopUp, &rule, units));
        self.submit(Act::AddUnits(AddUnits { key: key.into(), rule, units, once }))
    }

    /// Forgets what was charged to a quota.
    #[napi]
    pub fn reset_quota(&self, key: String) -> Result<NowOrLater> {
        let keys = direct_keys(&to_id("key", key)?);
        self.submit(Act::ResetQuotas { keys: keys.into_iter().map(Cow::Owned).collect() })
    }

    /// Asks the store for the key of receipts, which the runtime keeps.
    #[napi]
    pub fn receipt_key(&self) -> Result<NowOrLater> {
        enter(&self.runtime, |runtime| {
            let fresh = runtime.decisions.charges.proposed_key()?;
            runtime.submit(Act::ReceiptKey { fresh }, Continuation::LearnKey)
        })
    }

    /// Gives back what a receipt is for.
    #[napi]
    pub fn refund(&self, receipt: String) -> Result<NowOrLater> {
        let refund = enter(&self.runtime, |runtime| runtime.decisions.charges.opened(&receipt))?;
        self.submit(Act::Refund(refund))
    }

    /// Gives back what a request was charged, by the number in its verdict.
    #[napi]
    pub fn refund_charge(&self, number: f64) -> Result<NowOrLater> {
        let number = to_integer("charge", number, 1).map_err(error)?;
        match enter(&self.runtime, |runtime| Ok(runtime.decisions.charges.settle(number)))? {
            Some(refund) => self.submit(Act::Refund(refund)),
            None => Ok(Either::A(flag(false))),
        }
    }

    /// Lets the charge of a request stand.
    #[napi]
    pub fn keep_charge(&self, number: f64) -> Result<()> {
        let number = to_integer("charge", number, 1).map_err(error)?;
        enter_still(&self.runtime, |runtime| {
            runtime.decisions.charges.settle(number);
            Ok(())
        })
    }
}

#[cfg(feature = "test-stores")]
#[napi]
impl NativeAuth {
    /// Charges of requests whose response has not ended.
    #[napi]
    pub fn open_charges(&self) -> Result<f64> {
        enter_still(&self.runtime, |runtime| {
            Ok(crate::binding::convert::number(runtime.decisions.charges.len() as u64))
        })
    }
}
