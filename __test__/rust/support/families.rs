//! Logins and refresh tokens in one line each. A token is its number, and its hash is that number over and over.

use super::{HORIZON, call, outcome, reject};
use latchgate::core::base::error::Fault;
use latchgate::core::base::hash_slot::bucket;
use latchgate::core::family::ops::{
    Drawn, FamilyAnswer, FamilyId, FamilyKey, FamilyOp, Granted, KnownFamily, Login, LoginAnswer,
    NewFamily, PresentedToken, Refresh, RefreshAnswer, Serial,
};
use latchgate::core::op::{Act, Answer, Op};
use latchgate::core::request::request::{Admission, Admit};
use latchgate::core::session::rule::AdmissionRule;
use latchgate::core::store::Store;

pub const GRACE: u64 = 10_000;
pub const FAMILY: FamilyId = [1; 16];
/// Of logins that are not retried.
pub const BRANCH: u64 = 77;

pub const fn digest(token: u8) -> [u8; 32] {
    [token; 32]
}

/// What stands for a sealed token.
pub fn sealed(token: u8) -> Vec<u8> {
    vec![token; 82]
}

/// Each family has a key of its own.
pub const fn key_of(family: FamilyId) -> FamilyKey {
    FamilyKey([family[0]; 32])
}

pub fn token_of(
    user: &str,
    family: FamilyId,
    number: u64,
    digest: [u8; 32],
) -> PresentedToken<'static> {
    PresentedToken {
        user: user.to_owned().into(),
        family,
        key: key_of(family),
        serial: Serial { branch: BRANCH, number },
        digest,
    }
}

/// A login that begins `family` with `token`.
pub fn asked(
    user: &str,
    session: &str,
    rule: AdmissionRule,
    family: FamilyId,
    token: u8,
) -> Login<'static> {
    Login {
        admit: Admit {
            user: user.to_owned().into(),
            session: session.to_owned().into(),
            device: None,
            rule,
        },
        given: false,
        request: None,
        family: NewFamily {
            id: family,
            key: key_of(family),
            branch: BRANCH,
            digest: digest(token),
            ttl_ms: rule.absolute_ms,
            claims: None,
            scope: None,
        },
        grace_ms: GRACE,
    }
}

pub fn try_log_in(store: &dyn Store, login: Login<'_>) -> Result<LoginAnswer, Fault> {
    let act = Act::Family(FamilyOp::Login(Box::new(login)));
    match outcome(store, Op { act, horizon_ms: HORIZON, most_lead_ms: 0 })? {
        Answer::Family(FamilyAnswer::Login(answer)) => Ok(*answer),
        other => panic!("not a login: {other:?}"),
    }
}

pub fn log_in_as(store: &dyn Store, login: Login<'_>) -> (Admission, Drawn) {
    match try_log_in(store, login).unwrap() {
        LoginAnswer::Admitted(admission, drawn) => (admission, drawn),
        other => panic!("not admitted: {other:?}"),
    }
}

/// User `u` in session `s`, with token 1 of `FAMILY`.
pub fn log_in(store: &dyn Store) -> (Admission, Drawn) {
    log_in_as(store, asked("u", "s", reject(3), FAMILY, 1))
}

pub fn refresh_of(user: &str, family: FamilyId, presented: u8, next: u8) -> Refresh<'static> {
    Refresh {
        token: token_of(user, family, u64::from(presented), digest(presented)),
        next: digest(next),
        sealed: sealed(next).into(),
        grace_ms: GRACE,
    }
}

/// `None`: the family is not known under that user and key.
pub fn try_refresh(store: &dyn Store, asked: Refresh<'_>) -> Option<RefreshAnswer> {
    match call(store, Act::Family(FamilyOp::Refresh(Box::new(asked)))) {
        Answer::Family(FamilyAnswer::Refresh(answer)) => Some(*answer),
        Answer::Family(FamilyAnswer::Unknown) => None,
        other => panic!("not a refresh: {other:?}"),
    }
}

/// As a process tells it that finds no other family when it looks again.
pub fn refresh_as(store: &dyn Store, asked: Refresh<'_>) -> RefreshAnswer {
    try_refresh(store, asked).unwrap_or(RefreshAnswer::Invalid)
}

/// In `FAMILY` of `u`.
pub fn refresh(store: &dyn Store, presented: u8, next: u8) -> RefreshAnswer {
    refresh_as(store, refresh_of("u", FAMILY, presented, next))
}

pub fn granted(answer: RefreshAnswer) -> Granted {
    match answer {
        RefreshAnswer::Granted(granted) => granted,
        other => panic!("not granted: {other:?}"),
    }
}

pub fn logout(store: &dyn Store, presented: u8) -> bool {
    let token = token_of("u", FAMILY, u64::from(presented), digest(presented));
    logout_as(store, token).unwrap_or(false)
}

/// `None`: the family is not known under that user and key.
pub fn logout_as(store: &dyn Store, token: PresentedToken<'_>) -> Option<bool> {
    match call(store, Act::Family(FamilyOp::Logout(token))) {
        Answer::Family(FamilyAnswer::Done(done)) => Some(done),
        Answer::Family(FamilyAnswer::Unknown) => None,
        other => panic!("not done or left: {other:?}"),
    }
}

pub fn known_in(store: &dyn Store, bucket: u16, family: FamilyId) -> Option<KnownFamily> {
    match call(store, Act::Family(FamilyOp::Find { bucket, family })) {
        Answer::Family(FamilyAnswer::Known(known)) => known,
        other => panic!("not a family: {other:?}"),
    }
}

/// `FAMILY` as a process finds it.
pub fn known(store: &dyn Store) -> Option<KnownFamily> {
    known_in(store, bucket("u"), FAMILY)
}
