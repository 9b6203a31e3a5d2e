//! What is told of API keys, as objects.

use super::quota::{NativeConsumption, consumption};
use crate::binding::convert::{number, to_integer};
use crate::core::api_key::ops::{IndexUpdate, KeyChange, KeyUsed};
use crate::core::api_key::types::{KeyInfo, KeyPlace};
use crate::core::base::error::Fault;
use crate::core::base::reason::Reason;
use crate::core::quota::state::{QuotaRule, Refill};
use crate::tokens::opaque::api_key::Made;
use napi::bindgen_prelude::Buffer;
use napi_derive::napi;

/// A key, handed out once.
#[napi(object)]
pub struct NativeKey {
    pub key: String,
    pub key_id: String,
}

/// Where a key lies.
#[napi(object)]
pub struct NativePlace {
    pub key_id: String,
    pub owner_id: String,
}

/// What the name of an imported key is to be told, after what was asked, or (where that was not done) before it.
#[napi(object)]
pub struct NativeIndexUpdate {
    pub key_id: String,
    pub owner_id: String,
    pub digest: Buffer,
    /// Of a change that was done, how many there were; 0: it was not done. Absent before it.
    pub version: Option<f64>,
    /// The key has ended for good.
    pub ended: bool,
    /// When it may be gone; absent: never.
    pub gone_at: Option<f64>,
}

impl From<IndexUpdate> for NativeIndexUpdate {
    fn from(IndexUpdate { digest, place, what }: IndexUpdate) -> Self {
        let (version, ended, gone_ms) = match what {
            KeyChange::Created { .. } | KeyChange::Changing => (None, false, None),
            KeyChange::Changed { version, gone_ms } => (Some(number(version)), false, gone_ms),
            KeyChange::Ended { gone_ms } => (None, true, Some(gone_ms)),
        };
        let KeyPlace { id: key_id, owner: owner_id } = place;
        let (digest, gone_at) = (digest.to_vec().into(), gone_ms.map(number));
        Self { key_id, owner_id, digest, version, ended, gone_at }
    }
}

impl TryFrom<NativeIndexUpdate> for IndexUpdate {
    type Error = Fault;

    fn try_from(native: NativeIndexUpdate) -> Result<Self, Fault> {
        let NativeIndexUpdate { key_id: id, owner_id: owner, digest, version, ended, gone_at } =
            native;
        let gone_ms = gone_at.map(|at| to_integer("goneAt", at, 0)).transpose()?;
        let version = version.map(|version| to_integer("version", version, 0)).transpose()?;
        let what = match (version, gone_ms) {
            (_, Some(gone_ms)) if ended => KeyChange::Ended { gone_ms },
            (Some(version), gone_ms) => KeyChange::Changed { version, gone_ms },
            (None, _) => KeyChange::Changing,
        };
        let digest =
            digest.as_ref().try_into().map_err(|_| Fault::input("digest is no SHA-256"))?;
        Ok(Self { digest, place: KeyPlace { id, owner }, what })
    }
}

/// What is known of a key.
#[napi(object)]
pub struct NativeKeyInfo {
    pub key_id: String,
    pub owner_id: String,
    pub name: Option<String>,
    pub start: String,
    pub scopes: Vec<String>,
    pub created_at: f64,
    pub expires_at: Option<f64>,
    pub last_used_at: Option<f64>,
    pub revoked: bool,
    pub quota: Option<NativeConsumption>,
    /// A JSON text.
    pub metadata: Option<String>,
}

/// What a use of a key came to, beside the numbers in the first verdict record.
#[napi(object)]
pub struct NativeKeyUse {
    /// The number of the reason.
    pub code: f64,
    pub key_id: String,
    pub owner_id: String,
    /// The key itself stands, whatever else denies.
    pub verified: bool,
    pub scopes: Vec<String>,
    /// A JSON text.
    pub metadata: Option<String>,
    /// The key's own quota.
    pub own: Option<NativeConsumption>,
    /// Its window; absent of a balance.
    pub own_window_ms: Option<f64>,
    /// Milliseconds until there will be more of it; of a denial until asking again may help.
    pub own_until_ms: Option<f64>,
    /// The other quota sufficed; absent where none was looked at.
    pub quota_allowed: Option<bool>,
}

impl From<Made> for NativeKey {
    fn from(made: Made) -> Self {
        Self { key: made.text, key_id: made.id }
    }
}

/// A key as an object.
pub fn info(info: KeyInfo) -> NativeKeyInfo {
    NativeKeyInfo {
        key_id: info.place.id,
        owner_id: info.place.owner,
        name: info.name,
        start: info.start,
        scopes: info.facts.scopes,
        created_at: number(info.created_ms),
        expires_at: info.expires_ms.map(number),
        last_used_at: info.last_used_ms.map(number),
        revoked: info.revoked,
        quota: info.quota.map(consumption),
        metadata: info.facts.metadata,
    }
}

fn window_ms(rule: &QuotaRule) -> Option<f64> {
    match rule.refill {
        Refill::Never => None,
        Refill::Window(ms) | Refill::Bucket(ms) => Some(number(ms)),
    }
}

/// Reasons that lie in a key itself.
const OF_THE_KEY: [Reason; 4] =
    [Reason::KeyUnknown, Reason::KeyOwner, Reason::KeyRevoked, Reason::KeyExpired];

/// A use as an object; the numbers of its decision go into a verdict record.
pub fn key_use(used: KeyUsed) -> NativeKeyUse {
    let KeyUsed { decision, place, facts, own } = used;
    let facts = facts.unwrap_or_default();
    let until = own.and_then(|own| if own.allowed { own.reset_in_ms } else { own.retry_after_ms });
    NativeKeyUse {
        code: f64::from(decision.reason as u8),
        key_id: place.id,
        owner_id: place.owner,
        verified: !OF_THE_KEY.iter().any(|reason| decision.would_deny.has(*reason)),
        scopes: facts.scopes,
        metadata: facts.metadata,
        own: own.map(consumption),
        own_window_ms: facts.rule.as_ref().and_then(window_ms),
        own_until_ms: until.map(number),
        quota_allowed: decision.quota.map(|quota| quota.allowed),
    }
}
