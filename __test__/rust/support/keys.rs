//! API keys in one line each.

use super::{HORIZON, call, outcome, reject};
use latchgate::core::api_key::ops::{IndexUpdate, KeyAnswer, KeyChange, KeyOp, KeyUsed, Use};
use latchgate::core::api_key::types::KeyInfo;
use latchgate::core::api_key::types::{KeyName, KeyPatch, KeyPlace, NewKey};
use latchgate::core::base::digest::Digest;
use latchgate::core::base::error::Fault;
use latchgate::core::base::hash_slot::bucket;
use latchgate::core::base::reason::Reason;
use latchgate::core::op::{Act, Answer, Op};
use latchgate::core::quota::idempotency::Idempotency;
use latchgate::core::quota::state::{Consumption, QuotaRule};
use latchgate::core::request::request::Decide;
use latchgate::core::store::Store;

pub const DIGEST: Digest = [7; 32];

/// Where the key of that number lies.
pub fn place(owner: &str, number: u8) -> KeyPlace {
    KeyPlace { id: format!("{:04x}{number:016x}", bucket(owner)), owner: owner.to_owned() }
}

pub fn answer(store: &dyn Store, op: KeyOp<'_>) -> KeyAnswer {
    match call(store, Act::ApiKey(op)) {
        Answer::ApiKey(answer) => answer,
        other => panic!("not about a key: {other:?}"),
    }
}

pub fn done(store: &dyn Store, op: KeyOp<'_>) -> bool {
    match answer(store, op) {
        KeyAnswer::Done(done) => done,
        other => panic!("not done or left: {other:?}"),
    }
}

pub fn quota(rule: QuotaRule) -> KeyPatch {
    KeyPatch { quota: Some(rule), ..KeyPatch::default() }
}

/// Creates a key of that digest.
pub fn create(store: &dyn Store, place: &KeyPlace, patch: KeyPatch) -> bool {
    create_as(store, place, patch, false)
}

fn create_as(store: &dyn Store, place: &KeyPlace, patch: KeyPatch, imported: bool) -> bool {
    let new =
        NewKey { place: place.clone(), digest: DIGEST, imported, start: "lg_start".into(), patch };
    done(store, KeyOp::Create(Box::new(new)))
}

/// Imports a key of that digest.
pub fn import(store: &dyn Store, place: &KeyPlace, patch: KeyPatch) {
    let what = KeyChange::Created { expires_ms: patch.expires_ms.flatten() };
    assert_eq!(claim(store, DIGEST, place, None), KeyAnswer::Place(None));
    assert!(create_as(store, place, patch, true));
    assert!(point(store, &IndexUpdate { digest: DIGEST, place: place.clone(), what }));
}

/// Tells the name of an imported key something.
pub fn point(store: &dyn Store, pointing: &IndexUpdate) -> bool {
    done(store, KeyOp::UpdateIndex(pointing.clone()))
}

/// An answer, and what the names of imported keys are to be told besides.
pub fn parts(answer: KeyAnswer) -> (Vec<IndexUpdate>, KeyAnswer) {
    match answer {
        KeyAnswer::IndexUpdate(updates, answer) => (updates, *answer),
        answer => (Vec::new(), answer),
    }
}

/// A use of a key alone.
pub fn asked(place: &KeyPlace, cost: u64) -> Use<'static> {
    Use {
        decide: Decide::without_token(place.owner.clone().into(), reject(3)),
        id: place.id.clone().into(),
        digest: DIGEST,
        scopes: Vec::new(),
        cost,
        once: None,
        receipt: None,
    }
}

pub fn use_key(store: &dyn Store, asked: Use<'_>) -> Result<KeyUsed, Fault> {
    let act = Act::ApiKey(KeyOp::Use(Box::new(asked)));
    match outcome(store, Op { act, horizon_ms: HORIZON, most_lead_ms: 0 })? {
        Answer::ApiKey(KeyAnswer::Used(used)) => Ok(*used),
        other => panic!("not a use: {other:?}"),
    }
}

/// The reason, and what is left of the key's own quota.
pub fn check(store: &dyn Store, asked: Use<'_>) -> (Reason, Option<u64>) {
    let used = use_key(store, asked).unwrap();
    (used.decision.reason, used.own.map(|own| own.remaining))
}

pub fn get(store: &dyn Store, place: &KeyPlace) -> Option<KeyInfo> {
    let KeyPlace { id, owner } = place.clone();
    match answer(store, KeyOp::Get { owner, ids: vec![id] }) {
        KeyAnswer::Infos(mut infos) => infos.pop(),
        other => panic!("not what is known: {other:?}"),
    }
}

pub fn ids(store: &dyn Store, owner: &str) -> Vec<String> {
    let (mut all, mut from) = (Vec::new(), Some(String::new()));
    while let Some(place) = from {
        match answer(store, KeyOp::Ids { owner: owner.to_owned(), from: place }) {
            KeyAnswer::Ids { ids, next } => {
                all.extend(ids);
                from = next;
            }
            other => panic!("not ids: {other:?}"),
        }
    }
    all.sort_unstable();
    all.dedup();
    all
}

pub fn find(store: &dyn Store, name: KeyName) -> Option<KeyPlace> {
    match answer(store, KeyOp::Find(name)) {
        KeyAnswer::Place(place) => place,
        other => panic!("not a place: {other:?}"),
    }
}

pub fn claim(
    store: &dyn Store,
    digest: Digest,
    place: &KeyPlace,
    over: Option<&KeyPlace>,
) -> KeyAnswer {
    let (place, over) = (place.clone(), over.cloned());
    answer(store, KeyOp::Claim { digest, place, over })
}

pub fn add(
    store: &dyn Store,
    place: &KeyPlace,
    units: u64,
    once: Option<Idempotency>,
) -> Result<Consumption, Fault> {
    let act = Act::ApiKey(KeyOp::Add { place: place.clone(), units, once });
    match outcome(store, Op { act, horizon_ms: HORIZON, most_lead_ms: 0 })? {
        Answer::ApiKey(KeyAnswer::Added(added)) => Ok(added),
        other => panic!("not a top-up: {other:?}"),
    }
}

pub fn update(store: &dyn Store, place: &KeyPlace, patch: KeyPatch) -> Option<KeyInfo> {
    let (place, patch, pointed) = (place.clone(), Box::new(patch), false);
    let act = Act::ApiKey(KeyOp::Update { place, patch, pointed });
    match outcome(store, Op { act, horizon_ms: HORIZON, most_lead_ms: 0 }) {
        Ok(Answer::ApiKey(KeyAnswer::Infos(mut infos))) => infos.pop(),
        Ok(other) => panic!("not what is known: {other:?}"),
        Err(_) => None,
    }
}

pub fn rotate(store: &dyn Store, place: &KeyPlace, digest: Digest, grace_ms: u64) -> bool {
    let (place, start) = (place.clone(), "lg_again".into());
    done(store, KeyOp::Rotate { place, digest, start, grace_ms })
}

pub fn revoke(store: &dyn Store, place: &KeyPlace) -> bool {
    done(store, KeyOp::Revoke(place.clone()))
}
