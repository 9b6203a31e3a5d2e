//! What the Rust tests share: operations in one line each, and a caller that waits for any store.
#![allow(dead_code)]

pub mod counting;
pub mod families;
pub mod keys;
pub mod racing;
pub mod turning;

use latchgate::core::base::error::Fault;
use latchgate::core::op::Outcome;
use latchgate::core::op::{Act, Answer, Op};
use latchgate::core::quota::charge::{Charge, QuotaPlace};
use latchgate::core::quota::idempotency::Idempotency;
use latchgate::core::quota::spend::{AddUnits, Consume, Refund};
use latchgate::core::quota::state::{Charged, Consumption, QuotaRule, Refill, Spend};
use latchgate::core::request::request::{Admission, Admit, Decide, Decision, SessionCheck};
use latchgate::core::revocation::epoch::Issued;
use latchgate::core::revocation::lead::Lead;
use latchgate::core::session::rule::{AdmissionRule, OnLimit};
use latchgate::core::session::session::{Cursor, Session};
use latchgate::core::store::{Sink, Store};
use std::sync::{Arc, Condvar, Mutex};

pub const START_MS: u64 = 1_700_000_000_000;
pub const MINUTE: u64 = 60_000;
pub const HOUR: u64 = 60 * MINUTE;
/// The clock of no issuer leads the store's.
pub const NO_LEAD: Lead<'static> = Lead::Fixed { ms: 0 };
pub const HORIZON: u64 = 24 * HOUR + MINUTE;

/// Holds outcomes until somebody asks for them.
#[derive(Default)]
pub struct Mailbox {
    arrived: Mutex<Vec<(u64, Outcome)>>,
    bell: Condvar,
}

impl Sink for Mailbox {
    fn complete(&self, ticket: u64, outcome: Outcome) {
        self.arrived.lock().unwrap().push((ticket, outcome));
        self.bell.notify_all();
    }
}

/// Submits and waits, whenever the store answers.
pub fn call(store: &dyn Store, act: Act<'_>) -> Answer {
    try_call(store, act).unwrap()
}

/// The same, with what the store says of a question that was wrong.
pub fn try_call(store: &dyn Store, act: Act<'_>) -> Outcome {
    outcome(store, Op { act, horizon_ms: HORIZON, most_lead_ms: 0 })
}

/// Submits many at once, and waits for all of them; in no order.
pub fn call_all<'a>(store: &dyn Store, acts: impl Iterator<Item = Act<'a>>) -> Vec<Outcome> {
    let mailbox = Arc::new(Mailbox::default());
    let sink: Arc<dyn Sink> = mailbox.clone();
    let (mut outcomes, mut late) = (Vec::new(), 0);
    for act in acts {
        let op = Op { act, horizon_ms: HORIZON, most_lead_ms: 0 };
        match store.submit(op, 7, &sink) {
            Some(outcome) => outcomes.push(outcome),
            None => late += 1,
        }
    }
    store.flush();
    let mut arrived = mailbox.arrived.lock().unwrap();
    while arrived.len() < late {
        arrived = mailbox.bell.wait(arrived).unwrap();
    }
    outcomes.extend(arrived.drain(..).map(|(_, outcome)| outcome));
    outcomes
}

/// The same with a horizon and a tolerance of one's own.
pub fn call_as(store: &dyn Store, op: Op<'_>) -> Answer {
    outcome(store, op).unwrap()
}

/// The same where it may be a fault.
pub fn outcome(store: &dyn Store, op: Op<'_>) -> Outcome {
    let mailbox = Arc::new(Mailbox::default());
    let sink: Arc<dyn Sink> = mailbox.clone();
    if let Some(outcome) = store.submit(op, 7, &sink) {
        return outcome;
    }
    store.flush();
    let mut arrived = mailbox.arrived.lock().unwrap();
    while arrived.is_empty() {
        arrived = mailbox.bell.wait(arrived).unwrap();
    }
    let (ticket, outcome) = arrived.pop().unwrap();
    assert_eq!(ticket, 7);
    outcome
}

pub fn rule(limit: Option<u64>, on_limit: OnLimit) -> AdmissionRule {
    AdmissionRule {
        limit,
        hard_limit: 10_000,
        on_limit,
        idle_ms: 30 * MINUTE,
        absolute_ms: 12 * HOUR,
    }
}

pub fn reject(limit: u64) -> AdmissionRule {
    rule(Some(limit), OnLimit::Reject)
}

pub fn evict(limit: u64) -> AdmissionRule {
    rule(Some(limit), OnLimit::EvictOldest)
}

pub fn admit(store: &dyn Store, user: &str, session: &str, rule: AdmissionRule) -> Admission {
    let act = Act::Admit(Admit { user: user.into(), session: session.into(), device: None, rule });
    match call(store, act) {
        Answer::Admission(admission) => *admission,
        other => panic!("not an admission: {other:?}"),
    }
}

/// A foreign token issued at `iat_ms`.
pub fn request<'a>(
    user: &'a str,
    session: &'a str,
    iat_ms: u64,
    check: SessionCheck,
) -> Decide<'a> {
    Decide {
        user: user.into(),
        token: format!("j{session}").into_bytes().into(),
        issued: Issued::Foreign { iat_ms },
        issuer: "".into(),
        session: session.into(),
        check,
        rule: reject(3),
        scope_ok: true,
        touch: true,
        charge: None,
    }
}

pub fn decide(store: &dyn Store, request: Decide<'_>) -> Decision {
    match call(store, Act::Decide(request)) {
        Answer::Decision(decision) => decision,
        other => panic!("not a decision: {other:?}"),
    }
}

pub fn list(store: &dyn Store, user: &str) -> Vec<Session> {
    let (mut all, mut from) = (Vec::new(), Some(Cursor::START));
    while let Some(cursor) = from {
        match call(store, Act::List { user: user.into(), from: cursor }) {
            Answer::Sessions(page) => {
                all.extend(page.sessions);
                from = page.next;
            }
            other => panic!("not a list: {other:?}"),
        }
    }
    all
}

pub fn ids(store: &dyn Store, user: &str) -> Vec<String> {
    list(store, user).into_iter().map(|session| session.id).collect()
}

pub fn touch(store: &dyn Store, user: &str, session: &str) -> Option<Session> {
    match call(store, Act::Touch { user: user.into(), session: session.into() }) {
        Answer::Session(session) => session,
        other => panic!("not a session: {other:?}"),
    }
}

pub fn flag(store: &dyn Store, act: Act<'_>) -> bool {
    match call(store, act) {
        Answer::Flag(flag) => flag,
        other => panic!("not a flag: {other:?}"),
    }
}

pub fn count(store: &dyn Store, act: Act<'_>) -> u64 {
    match call(store, act) {
        Answer::Count(count) => count,
        other => panic!("not a count: {other:?}"),
    }
}

/// Another user whose id lies in the same bucket.
pub fn bucket_mate(user: &str) -> String {
    use latchgate::core::base::hash_slot::bucket;
    let mut others = (0..).map(|n| format!("{user}-{n}"));
    others.find(|other| bucket(other) == bucket(user)).unwrap()
}

pub fn generation(store: &dyn Store, user: &str) -> u64 {
    match call(store, Act::NextGeneration { user: user.into() }) {
        Answer::Generation(generation) => generation,
        other => panic!("not a generation: {other:?}"),
    }
}

pub fn end(store: &dyn Store, user: &str, session: &str) -> bool {
    flag(store, Act::End { user: user.into(), session: session.into() })
}

pub fn revoke_user(store: &dyn Store, user: &str) -> u64 {
    count(store, Act::RevokeUser { user: user.into(), keys: false, lead: NO_LEAD })
}

pub fn block_user(store: &dyn Store, user: &str, until_ms: Option<u64>) {
    count(store, Act::BlockUser { user: user.into(), until_ms, lead: NO_LEAD });
}

/// A charge of a quota that lies with the user.
pub fn charge(key: &'static str, rule: QuotaRule, cost: u64) -> Option<Charge<'static>> {
    let spend = Spend::of(cost);
    Some(Charge { place: QuotaPlace::Record, key: key.into(), rule, spend, once: None })
}

/// The same of one that lies apart.
pub fn charge_apart(key: &'static str, rule: QuotaRule, cost: u64) -> Option<Charge<'static>> {
    charge(key, rule, cost).map(|charge| Charge { place: QuotaPlace::Apart, ..charge })
}

pub fn consume(store: &dyn Store, key: &str, rule: QuotaRule, cost: u64) -> Consumption {
    consume_with(store, key, rule, Spend::of(cost), None).unwrap()
}

pub fn consume_with(
    store: &dyn Store,
    key: &str,
    rule: QuotaRule,
    spend: Spend,
    once: Option<Idempotency>,
) -> Result<Consumption, Fault> {
    told(store, Act::Consume(Consume { key: key.into(), rule, spend, once }))
}

pub fn top_up(
    store: &dyn Store,
    key: &str,
    rule: QuotaRule,
    units: u64,
    once: Option<Idempotency>,
) -> Result<Consumption, Fault> {
    told(store, Act::AddUnits(AddUnits { key: key.into(), rule, units, once }))
}

fn told(store: &dyn Store, act: Act<'_>) -> Result<Consumption, Fault> {
    match outcome(store, Op { act, horizon_ms: HORIZON, most_lead_ms: 0 })? {
        Answer::Consumption(consumption) => Ok(consumption),
        other => panic!("not a consumption: {other:?}"),
    }
}

/// Units with a receipt that is told apart by a number.
pub fn spend(cost: u64, receipt: u8) -> Spend {
    Spend { receipt: Some([receipt; 16]), ..Spend::of(cost) }
}

/// An idempotency key and a question, by number.
pub fn under(name: u8, question: u8) -> Option<Idempotency> {
    Some(Idempotency { name: [name; 16], question: [question; 16] })
}

pub fn refund(
    store: &dyn Store,
    key: &str,
    charged: Charged,
    units: u64,
    once: Option<Idempotency>,
) -> bool {
    let memory = once.map(|once| once.name);
    let key = key.into();
    flag(
        store,
        Act::Refund(Refund {
            user: None,
            lasting: false,
            key,
            charged,
            units,
            memory,
            of_request: false,
        }),
    )
}

pub const fn balance(limit: u64) -> QuotaRule {
    QuotaRule { limit, refill: Refill::Never }
}

pub const fn window(limit: u64, ms: u64) -> QuotaRule {
    QuotaRule { limit, refill: Refill::Window(ms) }
}

pub const fn bucket(limit: u64, ms: u64) -> QuotaRule {
    QuotaRule { limit, refill: Refill::Bucket(ms) }
}
