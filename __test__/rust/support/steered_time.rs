//! Built as a library of its own and loaded into a server before all others: lets the test say what time
//! it is. The file named by STEERED_TIME holds microseconds since the epoch, eight bytes, little-endian.

use std::ffi::c_void;
use std::sync::OnceLock;

#[repr(C)]
pub struct TimeValue {
    seconds: i64,
    microseconds: i64,
}

fn now_us() -> i64 {
    static PATH: OnceLock<std::ffi::OsString> = OnceLock::new();
    let path = PATH.get_or_init(|| std::env::var_os("STEERED_TIME").unwrap_or_default());
    let bytes = std::fs::read(path).unwrap_or_default();
    bytes.try_into().map_or(0, i64::from_le_bytes)
}

/// # Safety
/// `value` points to a `timeval`, as the C library's function demands.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gettimeofday(value: *mut TimeValue, _zone: *mut c_void) -> i32 {
    let us = now_us();
    unsafe {
        (*value).seconds = us / 1_000_000;
        (*value).microseconds = us % 1_000_000;
    }
    0
}
