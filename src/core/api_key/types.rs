//! The names, facts and patches of API keys.

use crate::core::base::digest::Digest;
use crate::core::quota::state::{Consumption, QuotaRule};

/// What a presented key says of where it lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyName {
    /// It carries its id.
    Id(String),
    /// An imported key: the SHA-256 of its text.
    Import(Digest),
}

/// Where a key lies. Neither ever changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyPlace {
    /// Its id.
    pub id: String,
    /// Whose it is.
    pub owner: String,
}

/// A new key.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// Where it is to lie.
    pub place: KeyPlace,
    /// The SHA-256 of its text.
    pub digest: Digest,
    /// It was not made here.
    pub imported: bool,
    /// Its first characters, which may be shown.
    pub start: String,
    /// What is said of it.
    pub patch: KeyPatch,
}

/// What may be changed of a key; what is `None` stays.
#[derive(Clone, Debug, Default)]
pub struct KeyPatch {
    /// Its name.
    pub name: Option<String>,
    /// Its scopes.
    pub scopes: Option<Vec<String>>,
    /// Its quota's rule.
    pub quota: Option<QuotaRule>,
    /// When it expires, in milliseconds; `Some(None)`: never.
    pub expires_ms: Option<Option<u64>>,
    /// Metadata, a JSON text; `Some(None)`: none.
    pub metadata: Option<Option<String>>,
}

/// What a request is told about its key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyFacts {
    /// Its scopes.
    pub scopes: Vec<String>,
    /// Metadata, a JSON text.
    pub metadata: Option<String>,
    /// The rule of its own quota.
    pub rule: Option<QuotaRule>,
}

/// What is known of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyInfo {
    /// Where it lies.
    pub place: KeyPlace,
    /// Its name.
    pub name: Option<String>,
    /// Its first characters.
    pub start: String,
    /// Scopes, metadata, and the rule of its quota.
    pub facts: KeyFacts,
    /// When it was created, in milliseconds.
    pub created_ms: u64,
    /// When it expires; `None`: never.
    pub expires_ms: Option<u64>,
    /// When it was last let through and charged; `None`: never.
    pub last_used_ms: Option<u64>,
    /// It was revoked, itself or with all of its owner's.
    pub revoked: bool,
    /// What is left of its quota, where it has one.
    pub quota: Option<Consumption>,
}
