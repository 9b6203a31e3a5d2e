//! Charges to quotas as JavaScript objects.

use crate::binding::convert::number;
use crate::core::quota::state::Consumption;
use napi_derive::napi;

/// The result of a charge.
#[napi(object)]
pub struct NativeConsumption {
    pub allowed: bool,
    pub limit: f64,
    pub remaining: f64,
    pub reset_at: Option<f64>,
    pub retry_after_ms: Option<f64>,
    pub receipt: Option<String>,
    pub replayed: bool,
}

/// The result of a charge as an object, without its receipt.
pub fn consumption(consumption: Consumption) -> NativeConsumption {
    NativeConsumption {
        allowed: consumption.allowed,
        limit: number(consumption.limit),
        remaining: number(consumption.remaining),
        reset_at: consumption.reset_ms.map(number),
        retry_after_ms: consumption.retry_after_ms.map(number),
        receipt: None,
        replayed: consumption.replayed,
    }
}
