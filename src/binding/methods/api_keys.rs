//! The methods for API keys.

use super::NativeAuth;
use crate::binding::config;
use crate::binding::config::QuotaConfig;
use crate::binding::convert::{Result, error, to_id, to_integer, to_optional_ms};
use crate::binding::flows::api_key::{Wanted, WantedUse};
use crate::binding::flows::continuation::Continuation;
use crate::binding::flows::policy::{Policy, to_idempotency_key};
use crate::binding::io::text::JsText;
use crate::binding::results::api_key::{NativeIndexUpdate, NativePlace};
use crate::binding::results::result::flag;
use crate::binding::runtime::auth::{AuthRuntime, NowOrLater};
use crate::binding::runtime::slots::enter;
use crate::core::api_key::key::unknown_key;
use crate::core::api_key::ops::{IndexUpdate, KeyChange, KeyOp};
use crate::core::api_key::types::{KeyName, KeyPatch, KeyPlace, NewKey};
use crate::core::base::reason::Reason;
use crate::core::op::Act;
use crate::tokens::opaque::api_key;
use crate::tokens::opaque::api_key::Made;
use crate::tokens::request::quota_key::{Kind, key_idempotency};
use napi::bindgen_prelude::Either;
use napi_derive::napi;
use std::rc::Rc;

/// What is said of a key.
#[napi(object, object_to_js = false)]
pub struct ApiKeyConfig {
    pub name: Option<String>,
    pub scopes: Option<Vec<String>>,
    pub quota: Option<RuleConfig>,
    /// NaN: never.
    pub expires_at: Option<f64>,
    /// A JSON text; an empty one: none.
    pub metadata: Option<String>,
}

/// A quota's rule.
#[napi(object, object_to_js = false)]
pub struct RuleConfig {
    pub limit: f64,
    /// NaN: a balance.
    pub window_ms: f64,
    pub bucket: bool,
}

/// One request with a key, as JavaScript asks about it.
#[napi(object, object_to_js = false)]
pub struct KeyAsk {
    /// The key as it was presented.
    pub key: String,
    /// NaN: the configured one; infinity: none.
    pub limit: f64,
    /// NaN: the policy's, or 1.
    pub cost: f64,
    /// Whom the policy's function named as the holder of the quota.
    pub named: Option<String>,
    pub idempotency_key: Option<String>,
    /// False where this request has touched the session already.
    pub touch: bool,
    /// False where this request was charged to the key already.
    pub charge_own: bool,
}

fn patch(config: ApiKeyConfig) -> Result<KeyPatch> {
    let ApiKeyConfig { name, scopes, quota, expires_at, metadata } = config;
    let rule = |rule: RuleConfig| config::quota_rule(rule.limit, rule.window_ms, rule.bucket);
    let quota = quota.map(|quota| rule(quota).map_err(error));
    let expires_ms = expires_at.map(|at| to_optional_ms("expiresAt", at)).transpose()?;
    Ok(KeyPatch {
        name: name.map(|name| to_id("name", name)).transpose()?,
        scopes,
        quota: quota.transpose()?,
        expires_ms,
        metadata: metadata.map(|json| Some(json).filter(|json| !json.is_empty())),
    })
}

/// The name of a key that is spoken of by its id.
fn by_id(key_id: String) -> Result<KeyName> {
    if api_key::is_id(&key_id) { Ok(KeyName::Id(key_id)) } else { Err(error(unknown_key())) }
}

fn made(key: Option<String>, prefix: &str, owner: &str) -> Result<Made> {
    match key {
        Some(text) => api_key::import(text, owner).map_err(error),
        None => api_key::create(prefix, owner).map_err(error),
    }
}

#[napi]
impl NativeAuth {
    /// Creates a key; `flag` is false where an imported one is there already.
    #[napi]
    pub fn create_key(
        &self,
        owner_id: String,
        key: Option<String>,
        prefix: String,
        config: ApiKeyConfig,
    ) -> Result<NowOrLater> {
        let owner = to_id("ownerId", owner_id)?;
        let (imported, patch) = (key.is_some(), patch(config)?);
        let made = made(key, &prefix, &owner)?;
        let place = KeyPlace { id: made.id.clone(), owner };
        let (digest, start) = (made.digest, made.start.clone());
        let new = NewKey { place, digest, imported, start, patch };
        let act = Act::ApiKey(KeyOp::Create(Box::new(new)));
        enter(&self.runtime, |runtime| runtime.submit(act, Continuation::Created(Box::new(made))))
    }

    /// Takes the name of a key that is to be imported, in place of `over`; `place`: who holds it.
    #[napi]
    pub fn claim_key(
        &self,
        owner_id: String,
        key: String,
        over: Option<NativePlace>,
    ) -> Result<NowOrLater> {
        let owner = to_id("ownerId", owner_id)?;
        let Made { digest, id, .. } = made(Some(key), "", &owner)?;
        let over = over.map(|NativePlace { key_id: id, owner_id: owner }| KeyPlace { id, owner });
        self.key_op(KeyOp::Claim { digest, place: KeyPlace { id, owner }, over })
    }

    /// Keeps the name of a key that was imported and expires then (NaN: never); `flag` is false where it was lost meanwhile.
    #[napi]
    pub fn confirm_key(
        &self,
        owner_id: String,
        key: String,
        expires_at: f64,
    ) -> Result<NowOrLater> {
        let owner = to_id("ownerId", owner_id)?;
        let expires_ms = to_optional_ms("expiresAt", expires_at)?;
        let Made { digest, id, .. } = made(Some(key), "", &owner)?;
        let (place, what) = (KeyPlace { id, owner }, KeyChange::Created { expires_ms });
        self.key_op(KeyOp::UpdateIndex(IndexUpdate { digest, place, what }))
    }

    /// Tells the name of an imported key what an outcome says that it is to be told.
    #[napi]
    pub fn update_key_index(&self, pointing: NativeIndexUpdate) -> Result<NowOrLater> {
        self.key_op(KeyOp::UpdateIndex(pointing.try_into().map_err(error)?))
    }

    #[napi]
    pub fn rotate_key(&self, key_id: String, prefix: String, grace_ms: f64) -> Result<NowOrLater> {
        let grace_ms = to_integer("grace", grace_ms, 0).map_err(error)?;
        self.key_act(by_id(key_id)?, Wanted::Rotate { prefix, grace_ms })
    }

    #[napi]
    pub fn revoke_api_key(&self, key_id: String) -> Result<NowOrLater> {
        match by_id(key_id) {
            Ok(name) => self.key_act(name, Wanted::Revoke),
            Err(_) => Ok(Either::A(flag(false))),
        }
    }

    #[napi]
    pub fn add_key_quota(
        &self,
        key_id: String,
        units: f64,
        idempotency_key: Option<String>,
    ) -> Result<NowOrLater> {
        let units = to_integer("units", units, 1).map_err(error)?;
        let once = to_idempotency_key(idempotency_key.as_deref())?;
        let once = once.map(|key| key_idempotency(key, Kind::TopUp, units));
        self.key_act(by_id(key_id)?, Wanted::Add { units, once })
    }

    #[napi]
    pub fn update_key(
        &self,
        key_id: String,
        config: ApiKeyConfig,
        pointed: bool,
    ) -> Result<NowOrLater> {
        let patch = Box::new(patch(config)?);
        self.key_act(by_id(key_id)?, Wanted::Update { patch, pointed })
    }

    #[napi]
    pub fn get_key(&self, key_id: String) -> Result<NowOrLater> {
        match by_id(key_id) {
            Ok(name) => self.key_act(name, Wanted::Get),
            Err(_) => Ok(Either::A(Default::default())),
        }
    }

    /// A page of the ids of an owner's keys. `from`: where it begins, as the page before said; none for the first.
    #[napi]
    pub fn key_ids(&self, owner_id: String, from: Option<String>) -> Result<NowOrLater> {
        let owner = to_id("ownerId", owner_id)?;
        self.key_op(KeyOp::Ids { owner, from: from.unwrap_or_default() })
    }

    /// What is known of these keys.
    #[napi]
    pub fn key_infos(&self, owner_id: String, key_ids: Vec<String>) -> Result<NowOrLater> {
        let ids = key_ids.into_iter().filter(|id| api_key::is_id(id)).collect();
        self.key_op(KeyOp::Get { owner: to_id("ownerId", owner_id)?, ids })
    }

    /// Puts a key before a policy that is registered, alone or with a token beside it (a header, or a
    /// bare token). The numbers of the decision are in the first verdict record when this is answered.
    #[napi]
    pub fn use_key(
        &self,
        policy: f64,
        asked: KeyAsk,
        credential: Option<JsText<'_>>,
        bare: bool,
    ) -> Result<NowOrLater> {
        enter(&self.runtime, |runtime| {
            let policy = to_integer("policy", policy, 0).map_err(error)?;
            let policy = Rc::clone(runtime.policies.get(policy)?);
            use_key(runtime, policy, asked, credential.as_ref(), bare)
        })
    }

    /// The same under a policy that is not registered.
    #[napi]
    pub fn use_key_adhoc(
        &self,
        scopes: Vec<String>,
        quota: Option<QuotaConfig>,
        asked: KeyAsk,
        credential: Option<JsText<'_>>,
        bare: bool,
    ) -> Result<NowOrLater> {
        let policy = Rc::new(Policy::new(scopes, quota)?);
        enter(&self.runtime, |runtime| use_key(runtime, policy, asked, credential.as_ref(), bare))
    }
}

impl NativeAuth {
    fn key_op(&self, op: KeyOp<'_>) -> Result<NowOrLater> {
        self.submit(Act::ApiKey(op))
    }

    fn key_act(&self, name: KeyName, wanted: Wanted) -> Result<NowOrLater> {
        enter(&self.runtime, |runtime| runtime.start_key_flow(name, wanted))
    }
}

/// Puts a key before a policy: see `use_key` of the class.
fn use_key(
    runtime: &mut AuthRuntime,
    policy: Rc<Policy>,
    asked: KeyAsk,
    credential: Option<&JsText<'_>>,
    bare: bool,
) -> Result<NowOrLater> {
    let KeyAsk { key, limit, cost, named, idempotency_key, touch, charge_own } = asked;
    let verified = credential.map(|text| runtime.tokens.verified(text, u32::from(bare)));
    let token = match verified.transpose()? {
        // Another scheme beside a key is ignored.
        Some(Err(Reason::CredentialsRequired)) | None => None,
        Some(Err(reason)) => return Ok(runtime.refuse_use(reason)),
        Some(Ok(token)) => Some(token),
    };
    let Some((name, digest)) = api_key::read(&key) else {
        return Ok(runtime.refuse_use(Reason::KeyUnknown));
    };
    // Checks at once what later steps would refuse.
    policy.cost(cost)?;
    to_idempotency_key(idempotency_key.as_deref())?;
    let wanted =
        WantedUse { policy, token, digest, limit, cost, named, idempotency_key, touch, charge_own };
    runtime.start_key_flow(name, Wanted::Use(Box::new(wanted)))
}
