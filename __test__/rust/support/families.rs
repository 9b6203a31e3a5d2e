//! Logins and refresh tokens in one line each. A token is a number, and its hash is that number over and over.

use super::{HORIZON, call, outcome, reject};
use latchgate::core::bucket::bucket;
use latchgate::core::error::Fault;
use latchgate::core::family_op::{
    Drawn, FamilyAnswer, FamilyId, FamilyOp, Granted, Login, LoginAnswer, NewFamily, Refresh,
    RefreshAnswer,
};
use latchgate::core::op::{Act, Admission, AdmissionRule, Admit, Op, Verdict};
use latchgate::core::store::Store;

pub const GRACE: u64 = 10_000;
pub const FAMILY: FamilyId = [1; 16];

pub const fn digest(token: u8) -> [u8; 32] {
    [token; 32]
}

/// What stands for a sealed token.
pub fn sealed(token: u8) -> Vec<u8> {
    vec![token; 60]
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
        Verdict::Family(FamilyAnswer::Login(answer)) => Ok(*answer),
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
        user: user.to_owned().into(),
        family,
        presented: digest(presented),
        next: digest(next),
        sealed: sealed(next).into(),
        grace_ms: GRACE,
    }
}

pub fn refresh_as(store: &dyn Store, asked: Refresh<'_>) -> RefreshAnswer {
    match call(store, Act::Family(FamilyOp::Refresh(Box::new(asked)))) {
        Verdict::Family(FamilyAnswer::Refresh(answer)) => *answer,
        other => panic!("not a refresh: {other:?}"),
    }
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
    let (user, presented) = ("u".into(), digest(presented));
    match call(store, Act::Family(FamilyOp::Logout { user, family: FAMILY, presented })) {
        Verdict::Family(FamilyAnswer::Done(done)) => done,
        other => panic!("not done or left: {other:?}"),
    }
}

pub fn owner_in(store: &dyn Store, bucket: u16) -> Option<String> {
    match call(store, Act::Family(FamilyOp::Find { bucket, family: FAMILY })) {
        Verdict::Family(FamilyAnswer::Owner(owner)) => owner,
        other => panic!("not an owner: {other:?}"),
    }
}

pub fn owner(store: &dyn Store) -> Option<String> {
    owner_in(store, bucket("u"))
}
