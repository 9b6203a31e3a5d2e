//! Bytes from JavaScript, copied when the argument is converted.

use napi::bindgen_prelude::FromNapiValue;
use napi::{Error, Status, sys};
use std::ptr;
use std::slice;
use std::sync::atomic::{AtomicU8, Ordering};

/// A copy of a Buffer. The Buffer's memory is not kept: JavaScript can run before the argument is used (a getter of the
/// same options), and can detach it.
pub struct Bytes(Vec<u8>);

impl Bytes {
    pub fn to_vec(&self) -> Vec<u8> {
        self.0.clone()
    }
}

impl FromNapiValue for Bytes {
    unsafe fn from_napi_value(env: sys::napi_env, value: sys::napi_value) -> napi::Result<Self> {
        let (mut is_buffer, mut data, mut length) = (false, ptr::null_mut(), 0);
        // SAFETY: the value belongs to the running call, and Node.js writes to locals of the type that it expects.
        let is_read = unsafe {
            sys::napi_is_buffer(env, value, &raw mut is_buffer) == sys::Status::napi_ok
                && is_buffer
                && sys::napi_get_buffer_info(env, value, &raw mut data, &raw mut length)
                    == sys::Status::napi_ok
        };
        if !is_read {
            return Err(Error::new(Status::InvalidArg, "a Buffer is expected"));
        }
        if data.is_null() || length == 0 {
            return Ok(Self(Vec::new()));
        }
        // SAFETY: Node.js has just returned this memory and its length, and no JavaScript of this thread runs until the
        // copy is made. Another thread may write to it where it is shared: the reads are atomic.
        let bytes = unsafe { slice::from_raw_parts(data.cast::<AtomicU8>(), length) };
        Ok(Self(bytes.iter().map(|byte| byte.load(Ordering::Relaxed)).collect()))
    }
}
