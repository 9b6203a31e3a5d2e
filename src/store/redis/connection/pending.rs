//! A call on its way: who waits for it, where it has been written, and what its reply leads to.

use crate::core::base::error::Fault;
use crate::core::op::Answer;
use crate::core::op::Outcome;
use crate::core::store::Sink;
use crate::store::redis::net::resp;
use crate::store::redis::protocol::call::{Call, Plan, Then};
use crate::store::redis::protocol::scripts::text_of;
use std::sync::Arc;
use std::time::Instant;

/// What calls came to, and who waits for it.
pub type Completions = Vec<(Arc<dyn Sink>, u64, Outcome)>;

/// A call that waits for its reply.
pub struct Waiting {
    pub ticket: u64,
    /// `None`: nobody waits any more; the reply still comes, and goes nowhere.
    pub sink: Option<Arc<dyn Sink>>,
    pub call: Call,
    pub stage: Stage,
    /// Sent as text, because the server did not know it by name.
    pub as_text: bool,
    /// It goes to a server that does not own the slot yet, which is to be told so before.
    pub asking: bool,
    /// Replies that come before its own.
    pub before: u8,
    /// How often it was sent elsewhere.
    pub hops: u8,
    /// Replicas are to hold it.
    pub acks: bool,
    pub deadline: Instant,
    /// Where its bytes begin, counted from the first byte of this connection.
    pub start: u64,
}

/// What a reply leads to.
pub enum Stage {
    /// To the verdict.
    Only,
    /// To a further call, if it allows.
    Then(Box<Call>),
    /// To the verdict, together with this decision; and if it denies, to a call that undoes something.
    After(Box<Answer>, Option<Box<Call>>),
    /// To what is known already.
    Told(Box<Outcome>),
    /// To a revocation, which takes the answer as its last argument.
    Reach(Box<Call>),
    /// To what is known already, if the call succeeds.
    Noted(Box<Outcome>),
    /// To nothing: a write of ours, so that WAIT has one to wait for.
    Mark,
    /// To what the calls before it came to, if enough replicas hold them.
    Wait,
}

impl Waiting {
    /// A plan, from its beginning.
    pub fn new(plan: Plan, ticket: u64, sink: &Arc<dyn Sink>, deadline: Instant) -> Self {
        let stage = match plan.then {
            Then::Nothing => Stage::Only,
            Then::Charge(call) => Stage::Then(Box::new(call)),
            Then::Revoke(call) => Stage::Reach(Box::new(call)),
        };
        let first = Self::of(plan.call, stage, deadline);
        Self { ticket, sink: Some(Arc::clone(sink)), ..first }
    }

    /// A call that nobody waits for.
    pub fn of(call: Call, stage: Stage, deadline: Instant) -> Self {
        Self {
            ticket: 0,
            sink: None,
            call,
            stage,
            as_text: false,
            asking: false,
            before: 0,
            hops: 0,
            acks: false,
            deadline,
            start: 0,
        }
    }

    /// Tells whoever waits that it did not run; of a call that only undoes something, what is known already.
    pub fn refuse(self, fault: Fault) {
        let Some(sink) = self.sink else { return };
        let outcome = match self.stage {
            Stage::Told(outcome) => *outcome,
            _ => Err(fault),
        };
        sink.complete(self.ticket, outcome);
    }

    /// Writes its bytes; from then on so many replies come before its own.
    pub fn append(&mut self, out: &mut Vec<u8>) {
        self.before = u8::from(self.asking);
        self.bytes(out);
    }

    /// What it is on the wire.
    pub fn bytes(&self, out: &mut Vec<u8>) {
        let Call { script, arguments, tail, .. } = &self.call;
        if self.asking {
            out.extend_from_slice(b"*1\r\n$6\r\nASKING\r\n");
        }
        let Some(script) = script else {
            resp::begin(out, *arguments);
            out.extend_from_slice(tail);
            return;
        };
        let script = text_of(*script);
        resp::begin(out, arguments + 2);
        if self.as_text {
            resp::argument(out, b"EVAL");
            resp::argument(out, script.text.as_bytes());
        } else {
            resp::argument(out, b"EVALSHA");
            resp::argument(out, script.sha.as_bytes());
        }
        out.extend_from_slice(tail);
    }
}
