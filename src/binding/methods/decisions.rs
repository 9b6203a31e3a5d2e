//! The methods for policies and decisions.

use super::NativeAuth;
use crate::binding::config::QuotaConfig;
use crate::binding::convert::{Result, error, number, to_integer};
use crate::binding::flows::policy::{Asked, Policy};
use crate::binding::io::text::JsText;
use crate::binding::runtime::slots::{enter, enter_still};
use napi_derive::napi;

#[napi]
impl NativeAuth {
    /// Registers a policy; the same one has the same number, one that demands nothing has 0.
    #[napi]
    pub fn policy(&self, scopes: Vec<String>, quota: Option<QuotaConfig>) -> Result<f64> {
        let policy = Policy::new(scopes, quota)?;
        enter(&self.runtime, |runtime| Ok(number(runtime.policies.register(policy) as u64)))
    }

    /// `decide` under a policy that is not registered.
    #[allow(clippy::too_many_arguments)]
    #[napi]
    pub fn decide_adhoc(
        &self,
        scopes: Vec<String>,
        quota: Option<QuotaConfig>,
        credential: JsText<'_>,
        flags: f64,
        limit: f64,
        cost: f64,
        named: Option<String>,
        idempotency_key: Option<String>,
    ) -> Result<f64> {
        let policy = Policy::new(scopes, quota)?;
        let asked = Asked { credential: &credential, flags, limit, cost, named, idempotency_key };
        enter(&self.runtime, |runtime| runtime.decide_adhoc(&policy, &asked))
    }

    /// Signature and claims, no store: 0, or the number of the reason.
    #[napi]
    pub fn verify(&self, credential: JsText<'_>, flags: f64) -> Result<f64> {
        enter(&self.runtime, |runtime| runtime.verify(&credential, flags))
    }

    /// The ids of the sessions that made room for one, by the number in its verdict record; told once.
    #[napi]
    pub fn evicted(&self, number: f64) -> Result<Vec<String>> {
        let number = to_integer("number", number, 0).map_err(error)?;
        enter_still(&self.runtime, |runtime| Ok(runtime.decisions.evicted.take(number)))
    }
}
