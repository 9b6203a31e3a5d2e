//! Acts on API keys whose owner is not known yet: the owner is asked for once, and remembered. An imported key
//! can be imported again, for another owner, with the same id: the store compares the owner with the record, and a key that is
//! not found where it was remembered is looked for once more.

use super::pending_refund::PendingRefund;
use super::policy::Policy;

use crate::core::api_key::key::unknown_key;
use crate::core::api_key::ops::{KeyAnswer, KeyOp, KeyUsed};
use crate::core::api_key::types::{KeyName, KeyPatch, KeyPlace};
use crate::core::base::digest::Digest;
use crate::core::base::reason::Reason;
use crate::core::op::{Answer, Outcome};
use crate::core::quota::idempotency::Idempotency;
use crate::tokens::encoding::base64url;
use crate::tokens::jwt::claims::Token;
use crate::tokens::opaque::api_key::Made;
use quick_cache::unsync::Cache;
use std::borrow::Cow;
use std::rc::Rc;

/// Owners remembered at most, by key.
const REMEMBERED: usize = 100_000;

/// What is wanted of a key.
pub enum Wanted {
    /// A use of it, under a policy.
    Use(Box<WantedUse>),
    /// Another secret.
    Rotate { prefix: String, grace_ms: u64 },
    /// Its end.
    Revoke,
    /// More units.
    Add { units: u64, once: Option<Idempotency> },
    /// Changes; `pointed` as in `KeyOp::Update`.
    Update { patch: Box<KeyPatch>, pointed: bool },
    /// What is known of it.
    Get,
}

/// A use of a key, as a middleware or `apiKeys.check` asks for it.
pub struct WantedUse {
    /// Its scopes, and what a request is charged beside the key's own quota.
    pub policy: Rc<Policy>,
    /// The token that came with it.
    pub token: Option<Rc<Token>>,
    /// The SHA-256 of what was presented.
    pub digest: Digest,
    /// NaN: the configured one; infinity: none.
    pub limit: f64,
    /// NaN: the policy's, or 1.
    pub cost: f64,
    /// Whom the policy's function named as the holder of its quota.
    pub named: Option<String>,
    /// The caller's idempotency key.
    pub idempotency_key: Option<String>,
    /// False where this request has touched the session already.
    pub touch: bool,
    /// False where this request was charged to the key already.
    pub charge_own: bool,
}

/// One act on its way.
pub struct ApiKeyFlow {
    name: KeyName,
    pub wanted: Wanted,
    step: Step,
    /// The secret that is being put in place.
    pub made: Option<Made>,
    /// Of a use: the refund of what the request is charged.
    pub refund: Option<Box<PendingRefund>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    /// The owner is asked for.
    Finding,
    /// The act itself, where the owner was remembered.
    Trying,
    /// The act itself, for good.
    Acting,
}

/// Where keys lie that were met.
pub type Places = Cache<String, Rc<KeyPlace>>;

/// An empty memory of them.
pub fn places() -> Places {
    Cache::new(REMEMBERED)
}

/// Hashes are written as no id is.
fn cache_name(name: &KeyName) -> Cow<'_, str> {
    match name {
        KeyName::Id(id) => Cow::Borrowed(id),
        KeyName::Import(digest) => Cow::Owned(format!("import {}", base64url(digest))),
    }
}

/// What comes next.
pub enum Next {
    /// This is asked.
    Find(KeyOp<'static>),
    /// The act itself is asked, of the key that lies there.
    Act(Rc<KeyPlace>),
    /// It has come to this.
    Done(Outcome),
}

impl ApiKeyFlow {
    pub const fn new(name: KeyName, wanted: Wanted) -> Self {
        Self { name, wanted, step: Step::Finding, made: None, refund: None }
    }

    /// The first step.
    pub fn begin(&mut self, places: &Places) -> Next {
        match places.get(&*cache_name(&self.name)) {
            Some(place) => {
                self.step = Step::Trying;
                Next::Act(Rc::clone(place))
            }
            None => self.find(),
        }
    }

    fn find_again(&mut self, places: &mut Places) -> Next {
        places.remove(&*cache_name(&self.name));
        self.find()
    }

    fn find(&mut self) -> Next {
        self.step = Step::Finding;
        Next::Find(KeyOp::Find(self.name.clone()))
    }

    /// The step after this outcome.
    pub fn advance(&mut self, outcome: Outcome, places: &mut Places) -> Next {
        match (self.step, outcome) {
            (Step::Trying, Err(fault)) if fault == unknown_key() => self.find_again(places),
            (_, Err(fault)) => Next::Done(Err(fault)),
            (Step::Finding, Ok(Answer::ApiKey(KeyAnswer::Place(None)))) => self.nowhere(),
            (Step::Finding, Ok(Answer::ApiKey(KeyAnswer::Place(Some(place))))) => {
                let place = Rc::new(place);
                places.insert(cache_name(&self.name).into_owned(), Rc::clone(&place));
                self.step = Step::Acting;
                Next::Act(place)
            }
            (Step::Trying, Ok(Answer::ApiKey(answer))) if is_unknown(&answer) => {
                self.find_again(places)
            }
            (_, outcome) => Next::Done(outcome),
        }
    }

    /// There is no such key.
    fn nowhere(&self) -> Next {
        Next::Done(match &self.wanted {
            Wanted::Use(_) => Ok(Answer::ApiKey(refused(&self.name, Reason::KeyUnknown))),
            Wanted::Rotate { .. } | Wanted::Revoke => Ok(Answer::ApiKey(KeyAnswer::Done(false))),
            Wanted::Add { .. } | Wanted::Update { .. } => Err(unknown_key()),
            Wanted::Get => Ok(Answer::ApiKey(KeyAnswer::Infos(Vec::new()))),
        })
    }

    /// A key that is another's than the token's user. An owner that was remembered may have changed.
    pub fn not_owned(&mut self, places: &mut Places) -> Next {
        if self.step == Step::Trying {
            return self.find_again(places);
        }
        Next::Done(Ok(Answer::ApiKey(refused(&self.name, Reason::KeyOwner))))
    }
}

/// A use refused before the store was asked.
pub fn refused(name: &KeyName, reason: Reason) -> KeyAnswer {
    let id = match name {
        KeyName::Id(id) => id.clone(),
        KeyName::Import(_) => String::new(),
    };
    let place = KeyPlace { id, owner: String::new() };
    KeyAnswer::Used(Box::new(KeyUsed::refused(place, reason)))
}

fn is_unknown(answer: &KeyAnswer) -> bool {
    match answer {
        KeyAnswer::Used(used) => used.decision.reason == Reason::KeyUnknown,
        KeyAnswer::Infos(infos) => infos.is_empty(),
        KeyAnswer::Done(done) => !done,
        _ => false,
    }
}
