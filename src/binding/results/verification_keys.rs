//! Verification keys, and the cache of verified tokens, as JavaScript objects.

use napi_derive::napi;

/// The result of reading a fetched key set.
#[napi(object)]
pub struct NativeKeySet {
    /// Keys that tokens are verified with.
    pub usable: f64,
    /// Why keys were passed over.
    pub passed_over: Vec<String>,
}

/// How the cache of verified tokens has performed.
#[napi(object)]
pub struct NativeCache {
    pub hits: f64,
    pub misses: f64,
    pub bytes: f64,
}
