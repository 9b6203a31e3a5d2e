//! Turns in one line each, and a gate that hears what it is told.

use super::{HORIZON, outcome, try_call};
use latchgate::core::base::error::Fault;
use latchgate::core::base::reason::Reason;
use latchgate::core::op::Outcome;
use latchgate::core::op::{Act, Answer, Op};
use latchgate::core::request::credential::Credential;
use latchgate::core::store::{Notice, Sink, Store};
use latchgate::core::turn::ops::{
    Ask, TurnAnswer, TurnGate, TurnKind, TurnMode, TurnOp, TurnPlace, TurnTicket, number_of,
    ticket_of,
};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// A gate that listens, as long as this lives.
pub struct Ears {
    gate: TurnGate,
    heard: Arc<Heard>,
}

#[derive(Default)]
struct Heard {
    notices: Mutex<Vec<Notice>>,
    bell: Condvar,
}

impl Sink for Heard {
    fn complete(&self, _ticket: u64, _outcome: Outcome) {}

    fn notice(&self, notice: Notice) {
        self.notices.lock().unwrap().push(notice);
        self.bell.notify_all();
    }
}

impl Ears {
    /// Listens from now on.
    pub fn of(store: &dyn Store, gate: u8) -> Self {
        let ears = Self { gate: [gate; 8], heard: Arc::default() };
        let sink: Arc<dyn Sink> = ears.heard.clone();
        store.listen(ears.gate, Arc::downgrade(&sink));
        assert_eq!(ears.next(), Notice::Listening);
        ears
    }

    pub fn ticket(&self, number: u64) -> TurnTicket {
        ticket_of(self.gate, number)
    }

    /// What is told next.
    pub fn next(&self) -> Notice {
        let mut notices = self.heard.notices.lock().unwrap();
        while notices.is_empty() {
            let (after, waited) =
                self.heard.bell.wait_timeout(notices, Duration::from_secs(10)).unwrap();
            assert!(!waited.timed_out(), "nothing is told");
            notices = after;
        }
        notices.remove(0)
    }

    /// The number of the ticket that is woken next. Of a revocation one may be told more than once.
    pub fn woken(&self) -> u64 {
        loop {
            match self.next() {
                Notice::Turn(ticket) => {
                    assert_eq!(ticket[..8], self.gate);
                    return number_of(&ticket);
                }
                Notice::Revoked(_) => {}
                other => panic!("not a turn: {other:?}"),
            }
        }
    }

    /// The numbers of those that were woken, one or more, whatever else is told.
    pub fn turns(&self) -> Vec<u64> {
        let first = self.next();
        let told = std::iter::once(first).chain(self.all());
        told.filter_map(|notice| match notice {
            Notice::Turn(ticket) => Some(number_of(&ticket)),
            _ => None,
        })
        .collect()
    }

    /// What was told by now; what is told at once, where the store tells at once.
    pub fn all(&self) -> Vec<Notice> {
        self.heard.notices.lock().unwrap().drain(..).collect()
    }
}

pub const TTL: u64 = 3_000;
pub const STAY: u64 = 60_000;

pub fn lock(id: &str) -> TurnPlace<'_> {
    TurnPlace { kind: TurnKind::Lock, id: id.into() }
}

pub fn user(id: &str) -> TurnPlace<'_> {
    TurnPlace { kind: TurnKind::User, id: id.into() }
}

pub fn asked(place: TurnPlace<'_>, ticket: TurnTicket) -> Ask<'_> {
    let mode = TurnMode::Queue;
    Ask { place, ticket, ttl_ms: TTL, seen: 0, stay_ms: STAY, mode, credential: None }
}

pub fn try_ask(store: &dyn Store, ask: Ask<'_>) -> Result<TurnAnswer, Fault> {
    match try_call(store, Act::Turn(TurnOp::Ask(ask)))? {
        Answer::Turn(answer) => Ok(answer),
        other => panic!("not about a turn: {other:?}"),
    }
}

pub fn ask(store: &dyn Store, place: TurnPlace<'_>, ticket: TurnTicket) -> TurnAnswer {
    try_ask(store, asked(place, ticket)).unwrap()
}

pub fn ask_as(
    store: &dyn Store,
    place: TurnPlace<'_>,
    ticket: TurnTicket,
    mode: TurnMode,
) -> TurnAnswer {
    try_ask(store, Ask { mode, ..asked(place, ticket) }).unwrap()
}

pub fn leave(store: &dyn Store, place: TurnPlace<'_>, ticket: TurnTicket) -> bool {
    super::flag(store, Act::Turn(TurnOp::Leave { place, ticket }))
}

pub fn extend(
    store: &dyn Store,
    place: TurnPlace<'_>,
    ticket: TurnTicket,
    by_ms: u64,
) -> TurnAnswer {
    let act = Act::Turn(TurnOp::Extend { place, ticket, by_ms });
    match outcome(store, Op { act, horizon_ms: HORIZON, most_lead_ms: 0 }).unwrap() {
        Answer::Turn(answer) => answer,
        other => panic!("not about a turn: {other:?}"),
    }
}

/// The fence, where it is granted.
pub fn fence(answer: TurnAnswer) -> Option<u64> {
    match answer {
        TurnAnswer::Granted { fence, .. } => Some(fence),
        _ => None,
    }
}

/// How many wait ahead, where it is queued.
pub fn ahead(answer: TurnAnswer) -> Option<u64> {
    match answer {
        TurnAnswer::Queued { ahead, .. } => Some(ahead),
        _ => None,
    }
}

/// `Allowed`, or what stands against a credential.
pub fn standing(store: &dyn Store, user: &str, credential: Credential<'_>) -> Reason {
    match try_call(store, Act::CheckCredential { user: user.into(), credential }).unwrap() {
        Answer::Validity(reason) => reason,
        other => panic!("not about a credential: {other:?}"),
    }
}
