//! What a middleware demands, as the gate keeps it, and what one request brings along.

use super::config::{QuotaConfig, policy_quota, whole};
use super::outcome::{Result, error};
use super::text::JsText;
use crate::core::error::Fault;
use crate::core::op::Charge;
use crate::service::claims::Token;
use crate::service::identity::MAX_ID;
use crate::service::quota_key::{Holder, PolicyQuota};

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
        Ok((scope_ok, Some(quota.charge(&token.session, named, cost, session_ms))))
    }
}
