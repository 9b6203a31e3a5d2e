//! Verification keys that come and go while the Auth is open, and what is remembered of tokens that they verified.

use super::NativeAuth;
use crate::binding::config::{KeyConfig, key_sources};
use crate::binding::convert::{Result, error, number};
use crate::binding::results::verification_keys::{NativeCache, NativeKeySet};
use crate::binding::runtime::slots::{enter, enter_still};
use napi_derive::napi;

#[napi]
impl NativeAuth {
    /// Replaces the fetched keys, and forgets what the keys before have verified. Changes nothing where no key is usable.
    #[napi]
    pub fn renew_keys(&self, keys: Vec<KeyConfig>) -> Result<NativeKeySet> {
        let keys = key_sources(&keys).map_err(error)?;
        enter(&self.runtime, |runtime| {
            let fetched = runtime.tokens.verifier()?.renew_keys(&keys).map_err(error)?;
            let usable = number(fetched.usable as u64);
            Ok(NativeKeySet { usable, passed_over: fetched.passed_over })
        })
    }

    /// Drops the fetched keys, and what they have verified.
    #[napi]
    pub fn forget_keys(&self) -> Result<()> {
        enter(&self.runtime, |runtime| {
            runtime.tokens.verifier()?.forget_keys();
            Ok(())
        })
    }

    /// Whether a key that is not known here may stand where the keys are fetched from.
    #[napi]
    pub fn doubt_keys(&self, doubtful: bool) -> Result<()> {
        enter(&self.runtime, |runtime| {
            runtime.tokens.verifier()?.doubt_keys(doubtful);
            Ok(())
        })
    }

    /// How the cache of verified tokens has done.
    #[napi]
    pub fn cached(&self) -> Result<NativeCache> {
        enter_still(&self.runtime, |runtime| {
            let (hits, misses, bytes) = runtime.tokens.cached();
            Ok(NativeCache { hits: number(hits), misses: number(misses), bytes: number(bytes) })
        })
    }
}
