//! Changes of counters as JavaScript objects.

use crate::core::counter::counter::Applied;
use napi_derive::napi;

/// The result of changing counters.
#[napi(object)]
pub struct NativeApplied {
    pub applied: bool,
    pub replayed: bool,
    /// In the order of the changes.
    pub values: Vec<f64>,
}

/// The result as an object. A double holds every value of a counter: they are safe integers.
#[allow(clippy::cast_precision_loss)]
pub fn applied(Applied { applied, replayed, values }: Applied) -> NativeApplied {
    NativeApplied { applied, replayed, values: values.into_iter().map(|v| v as f64).collect() }
}
