//! What a middleware demands, as the gate keeps it, and what one request brings along.

use super::config::{QuotaConfig, policy_quota, whole};
use super::outcome::{Result, error};
use super::text::JsText;
use crate::core::error::Fault;
use crate::core::op::Charge;
use crate::service::claims::Token;
use crate::service::identity::MAX_ID;
use crate::service::quota_key::{Asking, Holder, PolicyQuota};
use crate::service::receipt::receipt_id;

/// Scopes and a quota.
#[derive(Default, PartialEq, Eq)]
pub struct Policy {
    scopes: Box<[Box<str>]>,
    quota: Option<PolicyQuota>,
}

/// One request, as JavaScript asks about it.
pub struct Asked<'a> {
    /// The header, or a bare token.
    pub credential: &'a JsText,
    /// See `gate`.
    pub flags: f64,
    /// NaN: the configured one; infinity: none.
    pub limit: f64,
    /// NaN: the policy's.
    pub cost: f64,
    /// Whom the policy's function named as the holder of the quota.
    pub named: Option<String>,
    /// Charged once under this.
    pub idempotency_key: Option<String>,
}

impl Policy {
    pub fn new(scopes: Vec<String>, quota: Option<QuotaConfig>) -> Result<Self> {
        let scopes = scopes.into_iter().map(String::into_boxed_str).collect();
        Ok(Self { scopes, quota: quota.map(policy_quota).transpose().map_err(error)? })
    }

    /// Whether the scopes are there, and what the request is charged.
    pub fn apply(
        &self,
        token: &Token,
        asked: &Asked<'_>,
        session_ms: u64,
    ) -> Result<(bool, Option<Charge<'static>>)> {
        let scope_ok = token.has_scopes(&self.scopes);
        let Some(quota) = &self.quota else {
            return Ok((scope_ok, None));
        };
        let cost = if asked.cost.is_nan() {
            quota.cost
        } else {
            whole("cost", asked.cost, 0).map_err(error)?
        };
        let named = asked.named.as_deref().unwrap_or_default();
        if quota.holder == Holder::Named && (named.is_empty() || named.len() > MAX_ID) {
            return Err(error(Fault::input(format!(
                "quota.by must return a string of 1 to {MAX_ID} bytes: a request must never share \
                 another's quota"
            ))));
        }
        let idempotency_key = idempotency_key(asked.idempotency_key.as_deref())?;
        let receipt = quota.refundable.then(receipt_id).transpose().map_err(error)?;
        let (user, session) = (&*token.user, &*token.session);
        let asking = Asking { user, session, named, cost, session_ms, idempotency_key, receipt };
        Ok((scope_ok, Some(quota.charge(&asking))))
    }
}

/// An idempotency key: 1 to 512 bytes.
pub fn idempotency_key(key: Option<&str>) -> Result<Option<&str>> {
    if key.is_some_and(|key| key.is_empty() || key.len() > MAX_ID) {
        return Err(error(Fault::input(format!("idempotencyKey must have 1 to {MAX_ID} bytes"))));
    }
    Ok(key)
}
