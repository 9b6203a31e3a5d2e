//! What a middleware demands, as the gate keeps it, and what one request brings along.

use crate::binding::config::{QuotaConfig, policy_quota};
use crate::binding::convert::{Result, error, to_integer};
use crate::binding::io::text::JsText;
use crate::core::base::error::Fault;
use crate::core::quota::charge::Charge;
use crate::tokens::identity::MAX_ID;
use crate::tokens::jwt::claims::Token;
use crate::tokens::opaque::receipt::receipt_id;
use crate::tokens::request::quota_key::{Asking, Holder, PolicyQuota};
use std::rc::Rc;

/// Scopes and a quota.
#[derive(Default, PartialEq, Eq)]
pub struct Policy {
    scopes: Box<[Box<str>]>,
    quota: Option<PolicyQuota>,
}

/// The registered policies by number. Number 0 is the policy that demands nothing.
pub struct Policies(Vec<Rc<Policy>>);

impl Default for Policies {
    fn default() -> Self {
        Self(vec![Rc::default()])
    }
}

impl Policies {
    /// Registers a policy and returns its number. Equal policies have the same number.
    pub fn register(&mut self, policy: Policy) -> usize {
        let known = self.0.iter().position(|other| **other == policy);
        known.unwrap_or_else(|| {
            self.0.push(Rc::new(policy));
            self.0.len() - 1
        })
    }

    /// Returns the policy with that number.
    ///
    /// # Errors
    /// `ERR_LATCHGATE_INPUT` if there is none.
    pub fn get(&self, number: u64) -> Result<&Rc<Policy>> {
        let found = usize::try_from(number).ok().and_then(|number| self.0.get(number));
        found.ok_or_else(|| error(Fault::input("no such policy")))
    }
}

/// One request, as JavaScript asks about it.
pub struct Asked<'a> {
    /// The header, or a bare token.
    pub credential: &'a JsText<'a>,
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

    /// The scopes that are demanded.
    pub fn scopes(&self) -> &[Box<str>] {
        &self.scopes
    }

    /// Whether the scopes are there, and what the request is charged.
    pub fn apply(
        &self,
        token: &Token,
        asked: &Asked<'_>,
        session_ms: u64,
    ) -> Result<(bool, Option<Charge<'static>>)> {
        let scope_ok = token.has_scopes(&self.scopes);
        let who = Who { user: &token.user, session: &token.session, key: "" };
        let named = asked.named.as_deref();
        let idempotency_key = asked.idempotency_key.as_deref();
        let charge = self.charge(who, asked.cost, named, idempotency_key, session_ms)?;
        Ok((scope_ok, charge))
    }

    /// What a request costs. NaN: what the policy says, or 1.
    pub fn cost(&self, asked: f64) -> Result<u64> {
        if asked.is_nan() {
            Ok(self.quota.as_ref().map_or(1, |quota| quota.cost))
        } else {
            to_integer("cost", asked, 0).map_err(error)
        }
    }

    /// What a request is charged, where the policy has a quota.
    pub fn charge(
        &self,
        who: Who<'_>,
        cost: f64,
        named: Option<&str>,
        idempotency_key: Option<&str>,
        session_ms: u64,
    ) -> Result<Option<Charge<'static>>> {
        let Some(quota) = &self.quota else { return Ok(None) };
        let cost = self.cost(cost)?;
        let named = named.unwrap_or_default();
        if quota.holder == Holder::Named && (named.is_empty() || named.len() > MAX_ID) {
            return Err(error(Fault::input(format!(
                "quota.by must return a string of 1 to {MAX_ID} bytes: a request must never share \
                 another's quota"
            ))));
        }
        let idempotency_key = to_idempotency_key(idempotency_key)?;
        let receipt = quota.refundable.then(receipt_id).transpose().map_err(error)?;
        let Who { user, session, key } = who;
        let asking =
            Asking { user, session, key, named, cost, session_ms, idempotency_key, receipt };
        Ok(Some(quota.charge(&asking)))
    }
}

/// Who asks; what there is not is empty.
#[derive(Clone, Copy)]
pub struct Who<'a> {
    pub user: &'a str,
    pub session: &'a str,
    pub key: &'a str,
}

/// An idempotency key: 1 to 512 bytes.
pub fn to_idempotency_key(key: Option<&str>) -> Result<Option<&str>> {
    if key.is_some_and(|key| key.is_empty() || key.len() > MAX_ID) {
        return Err(error(Fault::input(format!("idempotencyKey must have 1 to {MAX_ID} bytes"))));
    }
    Ok(key)
}
