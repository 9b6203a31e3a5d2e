//! Counters and keys of `once`, in one line each.

use super::{call, flag, try_call};
use latchgate::core::base::error::FaultCode;
use latchgate::core::counter::counter::{Applied, Apply, Change, MOST};
use latchgate::core::op::{Act, Answer};
use latchgate::core::quota::idempotency::Idempotency;
use latchgate::core::request::credential::{Credential, TokenCredential};
use latchgate::core::request::request::SessionCheck;
use latchgate::core::revocation::epoch::Issued;
use latchgate::core::store::Store;

/// A change without bounds.
pub fn change(name: &str, delta: i64) -> Change<'_> {
    Change { name: name.into(), delta, min: -MOST, max: MOST }
}

pub fn bounded(name: &str, delta: i64, min: i64, max: i64) -> Change<'_> {
    Change { min, max, ..change(name, delta) }
}

/// Stands for a caller's key and for what was asked under it.
pub const fn once_under(key: u8, question: u8) -> Option<Idempotency> {
    Some(Idempotency { name: [key; 16], question: [question; 16] })
}

pub fn changes<'a>(user: &'a str, changes: &[Change<'a>]) -> Apply<'a> {
    Apply { user: user.into(), changes: changes.to_vec(), once: None, credential: None }
}

pub fn apply(store: &dyn Store, apply: Apply<'_>) -> Applied {
    match call(store, Act::Apply(apply)) {
        Answer::Applied(applied) => applied,
        other => panic!("not an application: {other:?}"),
    }
}

/// The code with which it is refused.
pub fn refused(store: &dyn Store, apply: Apply<'_>) -> FaultCode {
    try_call(store, Act::Apply(apply)).unwrap_err().code
}

/// Whether it was applied, and the value.
pub fn add(store: &dyn Store, user: &str, change: Change<'_>) -> (bool, i64) {
    let applied = apply(store, changes(user, &[change]));
    (applied.applied, applied.values[0])
}

pub fn value(store: &dyn Store, user: &str, name: &str) -> i64 {
    add(store, user, change(name, 0)).1
}

/// A foreign token issued at `iat_ms`, as `request` makes one.
pub fn credential(session: &str, iat_ms: u64, check: SessionCheck) -> Credential<'_> {
    let token = TokenCredential {
        token: format!("j{session}").into_bytes().into(),
        issued: Issued::Foreign { iat_ms },
        session: session.into(),
        check,
    };
    Credential { token: Some(token), key: None }
}

pub fn once(store: &dyn Store, key: &str, by: &str, ttl_ms: Option<u64>) -> bool {
    flag(store, Act::Once { key: key.into(), by: by.into(), ttl_ms })
}

pub fn once_release(store: &dyn Store, key: &str, by: &str) -> bool {
    flag(store, Act::OnceRelease { key: key.into(), by: by.into() })
}
