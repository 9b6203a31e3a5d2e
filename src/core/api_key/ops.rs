//! What is asked about API keys, and what is answered.

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

/// One use of a key, alone or beside a token of its owner.
#[derive(Clone, Debug)]
pub struct Use<'a> {
    /// The rest of the decision; its user is the owner. Of a key alone: see [`Decide::without_token`].
    pub decide: Decide<'a>,
    /// The key's id.
    pub id: Cow<'a, str>,
    /// The SHA-256 of what was presented.
    pub digest: Digest,
    /// The scopes that the key must have.
    pub scopes: Vec<String>,
    /// Units of the key's own quota; 0 looks.
    pub cost: u64,
    /// Charged once, however often it is asked.
    pub once: Option<Idempotency>,
    /// Of what is charged to the key, where a step that comes after it may deny: 128 random bits.
    pub receipt: Option<ReceiptId>,
}

/// What the name of an imported key is told of the key's record. It may lie where the record does not, so that each is a step
/// of its own; one that is missed lets the name stay, and never lets it go too soon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pointed {
    /// The key is there, and expires then, in milliseconds.
    Created { expires_ms: Option<u64> },
    /// Its expiry is about to be changed.
    Changing,
    /// That was done, for the so many-th time (0: it was not done); the record may be gone then, in milliseconds.
    Changed { version: u64, gone_ms: Option<u64> },
    /// It has ended for good; the record may be gone then, at the latest.
    Ended { gone_ms: u64 },
}

/// Something to be told to the name of an imported key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pointing {
    /// The SHA-256 of the key's text.
    pub digest: Digest,
    /// Where the key lies: a name that is another's is told nothing.
    pub place: KeyPlace,
    /// What.
    pub what: Pointed,
}

/// What is asked. Everything but `Find`, `Claim` and `Point` is about the owner's record.
#[derive(Clone, Debug)]
pub enum KeyOp<'a> {
    /// Where does this key lie?
    Find(KeyName),
    /// Takes the name of a key that is about to be imported; the claim lapses by itself unless it is
    /// told that the key is there. `over`: a holder who was told of, and whose key was not there any more afterwards.
    Claim { digest: Digest, place: KeyPlace, over: Option<KeyPlace> },
    /// Tells the name of an imported key of the key. False where it is another's.
    Point(Pointing),
    /// Creates a key; false where the id is taken.
    Create(Box<NewKey>),
    /// Does the key stand, beside everything else that a request needs?
    Use(Box<Use<'a>>),
    /// Replaces the secret; the old one works for `grace_ms` more. False where no such key stands.
    Rotate { place: KeyPlace, digest: Digest, start: String, grace_ms: u64 },
    /// Revokes a key; false where it did not stand.
    Revoke(KeyPlace),
    /// Adds units to the balance of a key.
    Add { place: KeyPlace, units: u64, once: Option<Idempotency> },
    /// Changes what is said of a key. `pointed`: the name of an imported one was told that its expiry will be changed.
    Update { place: KeyPlace, patch: Box<KeyPatch>, pointed: bool },
    /// The ids of an owner's keys.
    Ids { owner: String, from: String },
    /// What is known of these keys; of unknown ones nothing.
    Get { owner: String, ids: Vec<String> },
}

/// What is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyAnswer {
    /// To `Find`: where it lies. To `Claim`: `None`: it was taken; else whose import was confirmed, so
    /// that the key is there, or was.
    Place(Option<KeyPlace>),
    /// To acts that may find nothing to do; to `Claim`: false: another import is under way.
    Done(bool),
    /// To `Add`.
    Added(Consumption),
    /// To `Ids`.
    Ids { ids: Vec<String>, next: Option<String> },
    /// To `Get` and `Update`.
    Infos(Vec<KeyInfo>),
    /// To `Revoke`, `Get` and `Update` of imported keys: this, and their names are to be told so. `Done(false)` to `Update`:
    /// before it is done, which was not.
    Pointing(Vec<Pointing>, Box<Self>),
    /// To `Use`.
    Used(Box<KeyUsed>),
}

/// What a use of a key came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyUsed {
    /// The decision as a whole.
    pub decision: Decision,
    /// Where the key lies.
    pub place: KeyPlace,
    /// Its scopes and metadata, where it stands.
    pub facts: Option<KeyFacts>,
    /// Its own quota, where it has one, and is told: the key stands, and nothing but a quota denies.
    pub own: Option<Consumption>,
}

impl KeyUsed {
    /// A use that was refused for this reason alone, and before anything else was looked at.
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
            Self::Point(pointing) => KeyOp::Point(pointing),
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
