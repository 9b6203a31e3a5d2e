//! The questions and answers about API keys.

use crate::core::api_key::types::KeyFacts;
use crate::core::api_key::types::KeyInfo;
use crate::core::api_key::types::KeyName;
use crate::core::api_key::types::KeyPatch;
use crate::core::api_key::types::KeyPlace;
use crate::core::api_key::types::NewKey;
use crate::core::base::digest::Digest;
use crate::core::base::reason::{Reason, Reasons};
use crate::core::quota::idempotency::Idempotency;
use crate::core::quota::state::{Consumption, ReceiptId};
use crate::core::request::request::{Decide, Decision};
use std::borrow::Cow;

/// One use of a key, alone or with a token of its owner.
#[derive(Clone, Debug)]
pub struct Use<'a> {
    /// The other parts of the decision. Its user is the owner. For a key alone: see [`Decide::without_token`].
    pub decide: Decide<'a>,
    /// The key's id.
    pub id: Cow<'a, str>,
    /// The SHA-256 of the presented key.
    pub digest: Digest,
    /// The scopes that the key must have.
    pub scopes: Vec<String>,
    /// Units of the key's own quota. 0 only looks.
    pub cost: u64,
    /// The idempotency key of the charge, if there is one.
    pub once: Option<Idempotency>,
    /// The receipt id of the charge, if a later step may deny: 128 random bits.
    pub receipt: Option<ReceiptId>,
}

/// An update of the import index after its key changed. Index and key may be in different slots, so each update is a step
/// of its own. If an update is lost, a stale entry remains. An entry is never dropped before its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyChange {
    /// The key exists, and expires at that instant, in milliseconds.
    Created { expires_ms: Option<u64> },
    /// The expiry of the key is about to change.
    Changing,
    /// The expiry has changed. `version` counts the changes (0: it was not changed). The record may be dropped at that
    /// instant, in milliseconds.
    Changed { version: u64, gone_ms: Option<u64> },
    /// The key has ended. The record may be dropped at that instant at the latest.
    Ended { gone_ms: u64 },
}

/// One update of the import index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexUpdate {
    /// The SHA-256 of the key's text.
    pub digest: Digest,
    /// The place of the key. An entry of another key is not updated.
    pub place: KeyPlace,
    /// The change of the key.
    pub what: KeyChange,
}

/// A question about API keys. All except `Find`, `Claim` and `Point` are about the owner's record.
#[derive(Clone, Debug)]
pub enum KeyOp<'a> {
    /// Finds the place of a key.
    Find(KeyName),
    /// Claims an entry of the import index for a new key. The claim expires unless `Point` confirms the key. `over`: the
    /// place of an earlier import whose key no longer exists.
    Claim { digest: Digest, place: KeyPlace, over: Option<KeyPlace> },
    /// Updates the import index. False if the entry belongs to another key.
    UpdateIndex(IndexUpdate),
    /// Creates a key. False if the id is taken.
    Create(Box<NewKey>),
    /// Uses a key: decides the request with the key's own rules.
    Use(Box<Use<'a>>),
    /// Replaces the secret. The previous secret is accepted for `grace_ms` more. False if there is no valid key.
    Rotate { place: KeyPlace, digest: Digest, start: String, grace_ms: u64 },
    /// Revokes a key. False if it was not valid.
    Revoke(KeyPlace),
    /// Adds units to the balance of a key.
    Add { place: KeyPlace, units: u64, once: Option<Idempotency> },
    /// Changes the data of a key. `pointed`: the import index knows that the expiry of the key will change.
    Update { place: KeyPlace, patch: Box<KeyPatch>, pointed: bool },
    /// Returns the ids of an owner's keys.
    Ids { owner: String, from: String },
    /// Returns the public data of these keys, without unknown keys.
    Get { owner: String, ids: Vec<String> },
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyAnswer {
    /// To `Find`: the place of the key. To `Claim`: `None`: the entry was claimed. Otherwise the place of the key of an earlier,
    /// confirmed import.
    Place(Option<KeyPlace>),
    /// To operations that may have no effect. To `Claim`: false: another import is in progress.
    Done(bool),
    /// To `Add`.
    Added(Consumption),
    /// To `Ids`.
    Ids { ids: Vec<String>, next: Option<String> },
    /// To `Get` and `Update`.
    Infos(Vec<KeyInfo>),
    /// To `Revoke`, `Get` and `Update` of imported keys: the answer, and updates for the import index. `Done(false)` to `Update`:
    /// the update of the index must come first, and nothing changed.
    IndexUpdate(Vec<IndexUpdate>, Box<Self>),
    /// To `Use`.
    Used(Box<KeyUsed>),
}

/// The answer to a use of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyUsed {
    /// The decision as a whole.
    pub decision: Decision,
    /// The place of the key.
    pub place: KeyPlace,
    /// Its scopes and metadata, if the key is valid.
    pub facts: Option<KeyFacts>,
    /// Its own quota, if it has one, the key is valid, and at most a quota denies.
    pub own: Option<Consumption>,
}

impl KeyUsed {
    /// A use that was refused for this reason alone, before any other check.
    #[must_use]
    pub fn refused(place: KeyPlace, reason: Reason) -> Self {
        let mut would_deny = Reasons::default();
        would_deny.add(reason);
        Self { decision: Decision::of(would_deny), place, facts: None, own: None }
    }
}

impl KeyOp<'_> {
    /// The same act, owning what it names.
    #[must_use]
    pub fn into_owned(self) -> KeyOp<'static> {
        match self {
            Self::Use(asked) => {
                let Use { decide, id, digest, scopes, cost, once, receipt } = *asked;
                let (decide, id) = (decide.into_owned(), Cow::Owned(id.into_owned()));
                KeyOp::Use(Box::new(Use { decide, id, digest, scopes, cost, once, receipt }))
            }
            Self::Find(name) => KeyOp::Find(name),
            Self::Claim { digest, place, over } => KeyOp::Claim { digest, place, over },
            Self::UpdateIndex(pointing) => KeyOp::UpdateIndex(pointing),
            Self::Create(new) => KeyOp::Create(new),
            Self::Rotate { place, digest, start, grace_ms } => {
                KeyOp::Rotate { place, digest, start, grace_ms }
            }
            Self::Revoke(place) => KeyOp::Revoke(place),
            Self::Add { place, units, once } => KeyOp::Add { place, units, once },
            Self::Update { place, patch, pointed } => KeyOp::Update { place, patch, pointed },
            Self::Ids { owner, from } => KeyOp::Ids { owner, from },
            Self::Get { owner, ids } => KeyOp::Get { owner, ids },
        }
    }
}
