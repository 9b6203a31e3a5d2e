//! Conversions between JavaScript's values and Rust's: numbers, ids, and faults as errors with a public code.

use crate::core::base::error::{Fault, FaultCode};
use crate::tokens::identity::MAX_ID;
use crate::tokens::jwt::claims::MAX_SAFE;

/// A status that puts the public code on the JavaScript error.
pub struct Code(&'static str);

impl AsRef<str> for Code {
    fn as_ref(&self) -> &str {
        self.0
    }
}

impl From<napi::Status> for Code {
    fn from(_: napi::Status) -> Self {
        Self(FaultCode::Input.as_str())
    }
}

/// The return type of exported functions.
pub type Result<T> = std::result::Result<T, napi::Error<Code>>;

/// A fault as an error with its public code.
pub fn error(fault: Fault) -> napi::Error<Code> {
    napi::Error::new(Code(fault.code.as_str()), fault.message)
}

/// A count or an instant as a double. Milliseconds fit until the year 287396.
#[allow(clippy::cast_precision_loss)]
pub const fn number(value: u64) -> f64 {
    value as f64
}

/// Returns an integer from `least` to 2^53 - 1.
///
/// # Errors
/// `ERR_LATCHGATE_INPUT` for any other value.
pub fn to_integer(name: &str, value: f64, least: u64) -> std::result::Result<u64, Fault> {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let integer = value as u64;
    if value.fract() == 0.0 && (0.0..=MAX_SAFE).contains(&value) && integer >= least {
        Ok(integer)
    } else {
        Err(Fault::input(format!("{name} must be a whole number of at least {least}")))
    }
}

/// Returns milliseconds; `None` for NaN.
///
/// # Errors
/// `ERR_LATCHGATE_INPUT` for any value that is neither NaN nor an integer from 0 to 2^53 - 1.
pub fn to_optional_ms(name: &str, value: f64) -> Result<Option<u64>> {
    if value.is_nan() { Ok(None) } else { to_integer(name, value, 0).map(Some).map_err(error) }
}

/// Returns an id of 1 to 512 bytes.
///
/// # Errors
/// `ERR_LATCHGATE_INPUT` for any other length.
pub fn to_id(name: &str, value: String) -> Result<String> {
    if value.is_empty() || value.len() > MAX_ID {
        return Err(error(Fault::input(format!("{name} must have 1 to {MAX_ID} bytes"))));
    }
    Ok(value)
}
