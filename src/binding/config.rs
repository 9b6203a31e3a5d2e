//! Options from the face, already named and shaped there, to the types of the storeys below; ranges
//! are checked once more, because napi's own conversions coerce.

use super::convert::to_integer;
use super::io::bytes::Bytes;
use super::io::poller;
use crate::core::base::error::Fault;
use crate::core::quota::state::{QuotaRule, Refill};
use crate::core::request::request::SessionCheck;
use crate::core::session::rule::{AdmissionRule, OnLimit};
use crate::store::settings::Settings;
use crate::tokens::jwt::claims::Rules;
use crate::tokens::jwt::crypto::SigningMaterial;
use crate::tokens::jwt::issue::Issuer;
use crate::tokens::jwt::verification_keys::{KeyMaterial, KeyOptions, KeySet, KeySource};
use crate::tokens::jwt::verify::Verifier;
use crate::tokens::request::quota_key::{Holder, PolicyQuota};
use jsonwebtoken::Algorithm;
use napi_derive::napi;
use std::time::Duration;

/// A verification key.
#[napi(object, object_to_js = false)]
pub struct KeyConfig {
    /// The option that holds it.
    pub label: String,
    #[napi(ts_type = "Buffer")]
    pub secret: Option<Bytes>,
    /// A public JWK, as JSON.
    pub jwk: Option<String>,
}

/// The key that tokens are signed with.
#[napi(object, object_to_js = false)]
pub struct SigningConfig {
    pub label: String,
    #[napi(ts_type = "Buffer")]
    pub secret: Option<Bytes>,
    /// RSA: PKCS#1, EC and Ed25519: PKCS#8.
    #[napi(ts_type = "Buffer")]
    pub der: Option<Bytes>,
    /// Its public JWK, as JSON.
    pub jwk: Option<String>,
}

/// What a policy charges.
#[napi(object, object_to_js = false)]
pub struct QuotaConfig {
    pub name: String,
    /// 0: the user, 1: the session, 2: whoever a function of the request names, 3: the API key.
    pub holder: f64,
    pub limit: f64,
    /// NaN: a balance, which never refills.
    pub window_ms: f64,
    /// It refills unit by unit, and not as a whole.
    pub bucket: bool,
    /// What a request costs where no function says so.
    pub cost: f64,
    /// What a request was charged may be given back.
    pub refundable: bool,
}

/// What a gate is made of.
#[napi(object, object_to_js = false)]
pub struct GateConfig {
    pub store: String,
    /// What the names of all keys begin with, on a server.
    pub prefix: String,
    pub command_timeout_ms: f64,
    pub connect_timeout_ms: f64,
    /// The store is looked at and not used: nothing is written down of whoever does.
    pub visitor: Option<bool>,
    /// Replicas that must hold what matters most; 0: none.
    pub acks: f64,
    /// The event loop is Node's own, in which a server's answers can be watched for.
    pub own_loop: Option<bool>,
    /// Sessions and charges go into a store of their own (mode 'observe').
    pub observe: Option<bool>,
    pub keys: Vec<KeyConfig>,
    /// The keys are a set (jwt.jwks): a token's kid decides.
    pub key_set: bool,
    /// The keys are fetched (jwt.jwksUri), and come by `renew_keys`.
    pub fetched_keys: Option<bool>,
    pub signing: Option<SigningConfig>,
    pub algorithms: Option<Vec<String>>,
    pub issuers: Vec<String>,
    pub audiences: Vec<String>,
    pub required_claims: Vec<String>,
    pub user_id_claim: String,
    pub session_id_claim: String,
    pub clock_tolerance_ms: f64,
    /// NaN: as much as was observed.
    pub issuer_lead_ms: f64,
    pub max_age_ms: f64,
    pub access_ttl_ms: f64,
    /// 0: only the tokens of login() are session-checked, 1: explicit, 2: by first use.
    pub session_mode: f64,
    /// NaN: none.
    pub limit: f64,
    /// Most live sessions of a user, whatever the limit says.
    pub hard_limit: f64,
    pub evict_oldest: bool,
    pub idle_ms: f64,
    pub absolute_ms: f64,
}

/// A limit: NaN and infinity are none.
pub fn limit(value: f64) -> Result<Option<u64>, Fault> {
    if value.is_nan() || value == f64::INFINITY {
        return Ok(None);
    }
    to_integer("limit", value, 0).map(Some)
}

/// A quota's rule.
pub fn quota_rule(limit: f64, window_ms: f64, bucket: bool) -> Result<QuotaRule, Fault> {
    let limit = to_integer("limit", limit, 1)?;
    if window_ms.is_nan() && !bucket {
        return Ok(QuotaRule { limit, refill: Refill::Never });
    }
    let window_ms = to_integer("window", window_ms, 1)?;
    if !bucket {
        return Ok(QuotaRule { limit, refill: Refill::Window(window_ms) });
    }
    if window_ms.checked_mul(1000).is_none_or(|window_us| limit > window_us) {
        return Err(Fault::input("limit of a bucket may not exceed its window in microseconds"));
    }
    Ok(QuotaRule { limit, refill: Refill::Bucket(window_ms) })
}

/// What a policy charges.
pub fn policy_quota(config: QuotaConfig) -> Result<PolicyQuota, Fault> {
    let holder = match to_integer("holder", config.holder, 0)? {
        0 => Holder::User,
        1 => Holder::Session,
        2 => Holder::Named,
        3 => Holder::Key,
        _ => return Err(Fault::config("holder is 0, 1, 2 or 3")),
    };
    let rule = quota_rule(config.limit, config.window_ms, config.bucket)?;
    let cost = to_integer("cost", config.cost, 0)?;
    Ok(PolicyQuota { name: config.name, holder, rule, cost, refundable: config.refundable })
}

/// The rules of an admission.
pub fn rule(
    limit_: f64,
    evict_oldest: bool,
    idle_ms: f64,
    absolute_ms: f64,
    hard_limit: u64,
) -> Result<AdmissionRule, Fault> {
    Ok(AdmissionRule {
        limit: limit(limit_)?,
        hard_limit,
        on_limit: if evict_oldest { OnLimit::EvictOldest } else { OnLimit::Reject },
        idle_ms: to_integer("idleTimeout", idle_ms, 1)?,
        absolute_ms: to_integer("absoluteTimeout", absolute_ms, 1)?,
    })
}

/// How the store is opened.
pub fn settings(config: &GateConfig) -> Result<Settings, Fault> {
    let command_ms = to_integer("store.commandTimeout", config.command_timeout_ms, 1)?;
    let connect_ms = to_integer("store.connectTimeout", config.connect_timeout_ms, 1)?;
    let acks = to_integer("store.acks", config.acks, 0)?;
    let acks = u32::try_from(acks).map_err(|_| Fault::config("store.acks is at most 2^32 - 1"))?;
    Ok(Settings {
        url: config.store.clone(),
        prefix: config.prefix.clone(),
        issuer: config.issuers.first().cloned(),
        visitor: config.visitor == Some(true),
        command_timeout: Duration::from_millis(command_ms),
        connect_timeout: Duration::from_millis(connect_ms),
        acks,
        watched: config.own_loop == Some(true) && poller::is_possible(),
        observe: config.observe == Some(true),
    })
}

/// Which sessions are looked at.
pub fn session_check(mode: f64) -> Result<SessionCheck, Fault> {
    match to_integer("sessionMode", mode, 0)? {
        0 => Ok(SessionCheck::Skip),
        1 => Ok(SessionCheck::Explicit),
        2 => Ok(SessionCheck::FirstUse),
        _ => Err(Fault::config("sessionMode is 0, 1 or 2")),
    }
}

/// What is demanded of tokens.
pub fn rules(config: &GateConfig) -> Result<Rules, Fault> {
    Ok(Rules {
        issuers: config.issuers.clone(),
        audiences: config.audiences.clone(),
        required: config.required_claims.clone(),
        user_claim: config.user_id_claim.clone(),
        session_claim: config.session_id_claim.clone(),
        tolerance_ms: to_integer("jwt.clockTolerance", config.clock_tolerance_ms, 0)?,
        max_age_ms: to_integer("jwt.maxAge", config.max_age_ms, 1)?,
        issuer_lead_ms: match config.issuer_lead_ms {
            lead if lead.is_nan() => None,
            lead => Some(to_integer("jwt.issuerClockLead", lead, 0)?),
        },
    })
}

/// The verifier and, where there is a key to sign with, the issuer; `None` where no key is configured.
pub fn tokens(
    config: &GateConfig,
    rules: Rules,
) -> Result<Option<(Verifier, Option<Issuer>)>, Fault> {
    let fetched = config.fetched_keys == Some(true);
    if config.keys.is_empty() && config.signing.is_none() && !fetched {
        return Ok(None);
    }
    let own = config
        .signing
        .as_ref()
        .map(|key| source(&key.label, key.secret.as_ref(), key.jwk.as_ref()));
    let own = own.transpose()?;
    let keys = if fetched {
        KeySet::to_be_fetched(own, config.algorithms.as_deref())?
    } else {
        let algorithms = config.algorithms.clone();
        let keys = key_sources(&config.keys)?;
        KeySet::new(KeyOptions { keys, own, is_set: config.key_set, algorithms })?
    };
    let issuer =
        config.signing.as_ref().map(|signing| issuer(signing, &keys, config)).transpose()?;
    Ok(Some((Verifier::new(keys, rules), issuer)))
}

/// Keys as they are configured, or were fetched.
pub fn key_sources(keys: &[KeyConfig]) -> Result<Vec<KeySource>, Fault> {
    keys.iter().map(|key| source(&key.label, key.secret.as_ref(), key.jwk.as_ref())).collect()
}

fn source(label: &str, secret: Option<&Bytes>, jwk: Option<&String>) -> Result<KeySource, Fault> {
    let material = match (secret, jwk) {
        (Some(secret), None) => KeyMaterial::Secret(secret.to_vec()),
        (None, Some(jwk)) => KeyMaterial::Jwk(jwk.clone()),
        _ => return Err(Fault::config(format!("{label}: is neither a secret nor a key"))),
    };
    Ok(KeySource { label: label.to_owned(), material })
}

/// Signs with the first of `jwt.algorithms` that the key can do, or with the first of its type.
fn issuer(signing: &SigningConfig, keys: &KeySet, config: &GateConfig) -> Result<Issuer, Fault> {
    let material = match (&signing.secret, &signing.der) {
        (Some(secret), _) => SigningMaterial::Secret(secret.to_vec()),
        (None, Some(der)) => SigningMaterial::Der(der.to_vec()),
        (None, None) => {
            return Err(Fault::config(format!("{}: is no private key", signing.label)));
        }
    };
    let (kid, able) = keys.own().unwrap_or_default();
    let wanted: Vec<Algorithm> = config
        .algorithms
        .iter()
        .flatten()
        .filter_map(|name| crate::tokens::jwt::jwk::algorithm(name))
        .collect();
    let algorithm = wanted.iter().chain(&able).find(|algorithm| able.contains(algorithm));
    let algorithm = algorithm.ok_or_else(|| {
        Fault::config(format!("jwt.algorithms allows nothing that {} can sign with", signing.label))
    })?;
    Issuer::new(&material, *algorithm, kid)
}
