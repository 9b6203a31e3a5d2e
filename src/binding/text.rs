//! Strings from JavaScript into memory that is used again: the hot path allocates nothing for them.

use super::outcome::{Result, error};
use crate::core::error::Fault;
use crate::service::verify::MAX_TOKEN;
use napi::bindgen_prelude::FromNapiValue;
use napi::sys;

/// A header's scheme, blanks and the longest token, and one byte to tell that there is more.
const CAPACITY: usize = MAX_TOKEN + 64;

/// A string argument not yet copied.
pub struct JsText {
    env: sys::napi_env,
    value: sys::napi_value,
}

impl FromNapiValue for JsText {
    unsafe fn from_napi_value(env: sys::napi_env, value: sys::napi_value) -> napi::Result<Self> {
        Ok(Self { env, value })
    }
}

/// Memory for one string.
pub struct Scratch(Vec<u8>);

impl Default for Scratch {
    fn default() -> Self {
        Self(vec![0; CAPACITY])
    }
}

impl Scratch {
    /// Copies a string as UTF-8, up to what a credential may hold: of a longer one, enough to see that
    /// it is too long. A lone surrogate becomes U+FFFD, which no token and no header may hold.
    ///
    /// # Errors
    /// `ERR_LATCHGATE_INPUT` where it is not a string.
    pub fn read(&mut self, text: &JsText) -> Result<&str> {
        let mut written = 0;
        // SAFETY: the value belongs to the call that is running, and the buffer is as long as said;
        // the engine writes whole characters and a terminating zero, and says how many bytes.
        let status = unsafe {
            sys::napi_get_value_string_utf8(
                text.env,
                text.value,
                self.0.as_mut_ptr().cast(),
                self.0.len(),
                &raw mut written,
            )
        };
        if status != sys::Status::napi_ok {
            return Err(error(Fault::input("the credential is not a string")));
        }
        std::str::from_utf8(&self.0[..written])
            .map_err(|_| error(Fault::input("the credential is not well-formed")))
    }
}
