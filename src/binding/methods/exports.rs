//! Functions that are not methods of the class.

use crate::binding::convert::{Result, error, to_integer};
use crate::binding::flows::policy::Asked;
use crate::binding::io::text::JsText;
use crate::binding::results::verdict_record::LAYOUT;
use crate::binding::runtime::slots;
use crate::core::base::reason::Reason;
use napi_derive::napi;
use std::collections::HashMap;

/// One row of the table of reasons.
#[napi(object)]
pub struct ReasonRow {
    pub reason: String,
    pub code: String,
    pub status: u32,
}

/// The layout of a verdict record, by name: positions and flags.
#[napi]
pub fn record_layout() -> HashMap<String, u32> {
    LAYOUT
        .iter()
        .map(|(name, value)| ((*name).to_owned(), u32::try_from(*value).unwrap_or(0)))
        .collect()
}

/// Every reason, its public code and status; the index is the number that decisions answer with.
#[napi]
pub fn reasons() -> Vec<ReasonRow> {
    Reason::ALL
        .iter()
        .map(|reason| {
            let (reason, code, status) = reason.answer();
            ReasonRow {
                reason: reason.to_owned(),
                code: code.to_owned(),
                status: u32::from(status),
            }
        })
        .collect()
}

/// The version that this binary was built as.
#[napi]
pub fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

/// Decides one request. This is a free function with the number of the Auth, because unwrapping a class instance costs more
/// than the whole decision. One number holds the Auth, the policy and the flags (auth x 2^24 + policy x 4 + flags), because
/// every argument costs time.
#[napi]
pub fn decide(handle: f64, credential: JsText<'_>) -> Result<f64> {
    let handle = to_integer("handle", handle, 0).map_err(error)?;
    #[allow(clippy::cast_precision_loss)]
    let (auth, policy, flags) =
        ((handle >> 24) as f64, (handle >> 2 & 0x3F_FFFF) as f64, (handle & 3) as f64);
    slots::with(auth, |runtime| {
        let (limit, cost) = (f64::NAN, f64::NAN);
        let (named, idempotency_key) = (None, None);
        let asked = Asked { credential: &credential, flags, limit, cost, named, idempotency_key };
        runtime.decide_registered(policy, &asked)
    })
}

/// The same with what functions of the request have said: a limit of sessions (NaN: the configured one),
/// a cost (NaN: the policy's), who holds the quota, and under which idempotency key it is charged.
#[allow(clippy::too_many_arguments)]
#[napi]
pub fn decide_with(
    auth: f64,
    policy: f64,
    credential: JsText<'_>,
    flags: f64,
    limit: f64,
    cost: f64,
    named: Option<String>,
    idempotency_key: Option<String>,
) -> Result<f64> {
    slots::with(auth, |runtime| {
        let asked = Asked { credential: &credential, flags, limit, cost, named, idempotency_key };
        runtime.decide_registered(policy, &asked)
    })
}

/// Sets the clock of every Auth of this process; `null` lets the machine's clock run again.
#[cfg(feature = "test-stores")]
#[napi]
pub fn set_test_clock(epoch_ms: Option<f64>) {
    crate::binding::clock::set_test_clock(epoch_ms);
}

/// Panics, to show that a panic inside becomes an error and no more.
#[cfg(feature = "test-stores")]
#[napi]
pub fn panic_for_test() -> Result<f64> {
    slots::guarded(|| panic!("on purpose"))
}
