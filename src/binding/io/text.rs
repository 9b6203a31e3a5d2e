//! Strings from JavaScript into memory that is used again: the hot path allocates nothing for them.

use crate::binding::convert::{Result, error};
use crate::core::base::error::Fault;
use crate::tokens::jwt::verify::MAX_TOKEN;
use napi::bindgen_prelude::FromNapiValue;
use napi::sys;
use std::marker::PhantomData;

/// A header's scheme, blanks and the longest token, and one byte to tell that there is more.
const CAPACITY: usize = MAX_TOKEN + 64;

/// A string argument not yet copied. It is of no use after its call, and cannot outlive it.
pub struct JsText<'call> {
    env: sys::napi_env,
    value: sys::napi_value,
    call: PhantomData<&'call ()>,
}

impl FromNapiValue for JsText<'_> {
    unsafe fn from_napi_value(env: sys::napi_env, value: sys::napi_value) -> napi::Result<Self> {
        Ok(Self { env, value, call: PhantomData })
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
    pub fn read(&mut self, text: &JsText<'_>) -> Result<&str> {
        let mut written = 0;
        // SAFETY: the value belongs to the running call, which `JsText` does not outlive. The buffer is this gate's
        // own, and as long as stated: the engine writes whole characters and a terminating zero within it, and runs no
        // JavaScript. It returns how many bytes it has written.
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
