//! The names, facts and patches of API keys.

use crate::core::base::digest::Digest;
use crate::core::quota::state::{Consumption, QuotaRule};

/// The name of a presented key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyName {
    /// The key carries its id.
    Id(String),
    /// An imported key: the SHA-256 of its text.
    Import(Digest),
}

/// The place of a key: its id and its owner. Both never change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyPlace {
    /// Its id.
    pub id: String,
    /// The user who owns it.
    pub owner: String,
}

/// A new key.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// Its place.
    pub place: KeyPlace,
    /// The SHA-256 of its text.
    pub digest: Digest,
    /// The key was imported.
    pub imported: bool,
    /// Its first characters, which may be displayed.
    pub start: String,
    /// Its data.
    pub patch: KeyPatch,
}

/// Changes of the data of a key. `None`: unchanged.
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

/// The data of a key for its request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyFacts {
    /// Its scopes.
    pub scopes: Vec<String>,
    /// Metadata, a JSON text.
    pub metadata: Option<String>,
    /// The rule of its own quota.
    pub rule: Option<QuotaRule>,
}

/// The public data of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyInfo {
    /// Its place.
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
    /// When it was last allowed and charged; `None`: never.
    pub last_used_ms: Option<u64>,
    /// Whether it was revoked, alone or with all keys of its owner.
    pub revoked: bool,
    /// Its remaining quota, if it has one.
    pub quota: Option<Consumption>,
}
