//! What waits on a connection, in the order of the wire, and what is still to be written.

use super::acks::Acks;
use super::pending::{Completions, Stage, Waiting};
use crate::core::api_key::ops::KeyAnswer;
use crate::core::base::error::Fault;
use crate::core::base::reason::{Reason, Reasons};
use crate::core::op::Answer;
use crate::core::op::Outcome;
use crate::core::quota::idempotency::another_question;
use crate::core::revocation::lead::Ahead;
use crate::core::script::Script;
use crate::core::store::{Health, Sink};
use crate::store::redis::endpoint::handshake::Server;
use crate::store::redis::net::inbox::Inbox;
use crate::store::redis::net::resp::Reply;
use crate::store::redis::net::slots;
use crate::store::redis::net::slots::Redirect;
use crate::store::redis::net::socket::Socket;
use crate::store::redis::protocol::api_key;
use crate::store::redis::protocol::call::Expects;
use crate::store::redis::protocol::codec;
use crate::store::redis::protocol::lead;
use std::collections::{HashMap, VecDeque};
use std::io;
use std::sync::{Arc, Weak};
use std::time::Instant;

/// Where the connection stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Being made, for the first time or after a loss: calls wait for it.
    Connecting,
    /// In use.
    Up,
    /// The last attempt failed: calls are refused at once until one succeeds.
    Down,
    /// For good.
    Closed,
}

pub struct Queue {
    pub phase: Phase,
    pub waiting: VecDeque<Waiting>,
    /// Where the text of a script was last written on this connection: one more than its first byte.
    told: HashMap<Script, u64>,
    /// Not yet taken by the socket.
    pub out: Vec<u8>,
    pub unsent: usize,
    /// Bytes that the socket has taken on this connection.
    pub written: u64,
    pub socket: Option<Arc<Socket>>,
    pub last_read: Instant,
    /// Why it is down.
    pub reason: String,
    pub health: Health,
    /// This connection has brought an answer.
    pub answered: bool,
    /// The server that was met last: where it is, and which of its lives it was.
    met: Option<(Vec<String>, String)>,
    has_forgotten: bool,
    pub watchers: Vec<Weak<dyn Sink>>,
    /// What was read by the thread that asks.
    pub inbox: Inbox,
    /// Why this connection is of no use any more, as the thread that asks has found.
    pub broken: Option<io::Error>,
    /// Where replicas are to hold what is told.
    pub acks: Option<Acks>,
    /// It is one of several servers: calls may belong to another.
    pub routed: bool,
    /// What the names of all keys begin with.
    prefix: String,
}

/// What became of what was read.
#[derive(Default)]
pub struct Taken {
    pub done: Completions,
    /// Calls for other servers.
    pub elsewhere: Vec<(Waiting, Redirect)>,
    /// A value was met that is none of ours, for the first time on this connection.
    pub damaged: bool,
}

impl Queue {
    /// An empty one, before the first connection.
    pub fn new(prefix: &str) -> Self {
        Self {
            phase: Phase::Connecting,
            waiting: VecDeque::new(),
            told: HashMap::new(),
            out: Vec::new(),
            unsent: 0,
            written: 0,
            socket: None,
            last_read: Instant::now(),
            reason: String::new(),
            health: Health::default(),
            answered: false,
            met: None,
            has_forgotten: false,
            watchers: Vec::new(),
            inbox: Inbox::default(),
            broken: None,
            acks: None,
            routed: false,
            prefix: prefix.to_owned(),
        }
    }

    /// Appends a call, and its bytes where there is a connection.
    pub fn push(&mut self, waiting: Waiting) {
        // Wherever it is sent on to, replicas are to hold it there.
        let acks = self.acks.is_some();
        self.waiting.push_back(Waiting { start: u64::MAX, acks, ..waiting });
        if let Some(acks) = &mut self.acks {
            // Written with its batch.
            acks.opened();
        } else if self.phase == Phase::Up {
            self.append(self.waiting.len() - 1);
        }
    }

    /// Writes the bytes of one that waits behind all that is to be written.
    pub fn append(&mut self, at: usize) {
        let waiting = &mut self.waiting[at];
        waiting.start = self.written + self.out.len() as u64;
        waiting.append(&mut self.out);
    }

    /// Takes note of a server, and of what it has forgotten since it was last met.
    pub fn meet(&mut self, server: Server) {
        let Server { mut health, run_id, forgets } = server;
        let met = run_id.map(|run_id| (health.primaries.clone(), run_id));
        // Elsewhere it is another server, which was told what this one was.
        let restarted = match (&self.met, &met) {
            (Some((before, life)), Some((now, another))) => before == now && life != another,
            _ => false,
        };
        self.has_forgotten |= restarted && forgets;
        if self.has_forgotten {
            health.warnings.push(
                "the server was restarted and had kept nothing: what was revoked before is forgotten"
                    .into(),
            );
        }
        if met.is_some() {
            self.met = met;
        }
        self.health = health;
    }

    /// Writes everything that waits anew, for a new connection.
    pub fn rewrite(&mut self) {
        self.told.clear();
        self.written = 0;
        self.out.clear();
        self.reopen_batch();
        self.rewrite_unsent();
    }

    /// Writes anew what was not sent: some of it is not to be sent any more.
    pub fn rewrite_unsent(&mut self) {
        let written = self.written;
        let sent = self.waiting.partition_point(|waiting| waiting.start < written);
        let sent = if written == 0 { 0 } else { sent };
        // Of the last one sent the socket may have taken a part only.
        let rest = self.waiting.get(sent.wrapping_sub(1)).map_or(0, |last| {
            let mut whole = Vec::new();
            last.bytes(&mut whole);
            usize::try_from((last.start + whole.len() as u64).saturating_sub(written)).unwrap_or(0)
        });
        self.out.truncate(rest);
        let open = self.acks.as_ref().map_or(0, Acks::open);
        for at in sent..self.waiting.len() - open {
            self.append(at);
        }
    }

    /// Ends a batch that is about to be written, where the one before it is answered.
    pub fn close_batch(&mut self) {
        let Some(acks) = &mut self.acks else { return };
        let Some((first, ours)) = acks.close_batch(&self.waiting) else { return };
        self.waiting.extend(ours);
        for at in first..self.waiting.len() {
            self.append(at);
        }
    }

    /// Counts the calls of the batch that is not closed anew: some of them have gone.
    pub fn count_batch(&mut self) {
        if let Some(acks) = &mut self.acks {
            acks.count_batch(&self.waiting);
        }
    }

    /// Drops what is of no use on another connection: every batch is closed anew.
    pub fn reopen_batch(&mut self) {
        if self.acks.is_some() {
            self.waiting.retain(|waiting| !matches!(waiting.stage, Stage::Mark | Stage::Wait));
            self.count_batch();
        }
    }

    /// Lets go of the socket; whoever watches it learns that it has ended.
    pub fn let_go(&mut self) {
        if let Some(socket) = self.socket.take() {
            socket.shut_down();
        }
    }

    /// Writes to the socket what it takes. False where something is left.
    pub fn write_now(&mut self) -> bool {
        let Some(socket) = &self.socket else { return false };
        let taken = socket.try_write(&self.out);
        self.written += taken as u64;
        self.out.drain(..taken);
        self.out.is_empty()
    }

    /// The next call that a reply can be for: one that was sent.
    pub fn next_asked(&mut self) -> Option<Waiting> {
        let is_sent = self.waiting.front().is_some_and(|waiting| waiting.start < self.written);
        if is_sent { self.waiting.pop_front() } else { None }
    }

    /// What a reply means for the call that waited for it. True: something is to be written.
    pub fn answer(&mut self, mut waiting: Waiting, reply: Reply, taken: &mut Taken) -> bool {
        if waiting.before > 0 {
            waiting.before -= 1;
            self.waiting.push_front(waiting);
            return false;
        }
        match (&mut self.acks, &waiting.stage) {
            (Some(acks), Stage::Mark) => acks.mark(&reply),
            (Some(acks), Stage::Wait) => {
                taken.done.extend(acks.settle(&reply));
                return true;
            }
            _ => return self.answer_call(waiting, reply, taken),
        }
        false
    }

    #[expect(
        clippy::too_many_lines,
        reason = "one match over the stages of a call: the stages become functions with the parts of Queue"
    )]
    fn answer_call(&mut self, waiting: Waiting, reply: Reply, taken: &mut Taken) -> bool {
        if matches!(&reply, Reply::Status(word) if word == "AGAIN") && waiting.sink.is_some() {
            // The script has ended or moved one slice of what the user has piled up, and has not come to the question yet.
            self.push(waiting);
            return true;
        }
        if let Reply::Error(message) = &reply {
            if message.starts_with("NOSCRIPT")
                && let Some(script) = waiting.call.script
                && !waiting.as_text
                && waiting.sink.is_some()
            {
                // It did not run: the server has lost its scripts. It is told this one again, once for all
                // calls that were on their way.
                let told = self.told.entry(script).or_default();
                let as_text = *told <= waiting.start;
                if as_text {
                    *told = self.written + self.out.len() as u64 + 1;
                }
                self.push(Waiting { as_text, ..waiting });
                return true;
            }
            if self.routed
                && waiting.sink.is_some()
                && let Some(redirect) = slots::redirect(message)
            {
                taken.elsewhere.push((waiting, redirect));
                return false;
            }
            if let Some(code) = UNFIT.iter().find(|code| message.starts_with(**code)) {
                let why = format!("the server takes no writes ({code})");
                self.broken = Some(io::Error::other(why));
            }
        }
        if is_damage(&reply) && !self.health.damaged {
            self.health.damaged = true;
            taken.damaged = true;
        }
        // A charge reads all that it needs before it writes: where the server refuses it, nothing was charged.
        let refused = matches!(reply, Reply::Error(_));
        let outcome = read_reply(&waiting.call.expects, reply);
        let Some(sink) = waiting.sink else { return false };
        let (ticket, deadline) = (waiting.ticket, waiting.deadline);
        let outcome = match (waiting.stage, outcome) {
            (Stage::Then(then), Ok(first)) if first.is_allowed() => {
                let undo = api_key::undo(&waiting.call.expects, &first).map(Box::new);
                Err((*then, Stage::After(Box::new(first), undo)))
            }
            (Stage::After(first, undo), outcome) => {
                let (outcome, denied) = together(*first, outcome);
                match undo.filter(|_| denied || refused) {
                    Some(undo) => Err((*undo, Stage::Told(Box::new(outcome)))),
                    None => Ok(outcome),
                }
            }
            (Stage::Told(outcome), undone) => Ok(given_back(*outcome, undone)),
            (Stage::Reach(mut revocation), Ok(Answer::Count(ms))) => {
                revocation.push(&lead::reach(ms));
                Err((*revocation, Stage::Only))
            }
            (Stage::Noted(known), Ok(_)) => Ok(*known),
            (_, outcome) => Ok(outcome),
        };
        let (call, stage) = match outcome {
            Err(next) => next,
            Ok(mut outcome) => {
                if let Some(ahead) = ahead_of(&mut outcome) {
                    (lead::note(&self.prefix, &ahead), Stage::Noted(Box::new(outcome)))
                } else {
                    taken.done.extend(match &mut self.acks {
                        Some(acks) => acks.keep(sink, ticket, outcome, deadline),
                        None => Some((sink, ticket, outcome)),
                    });
                    return false;
                }
            }
        };
        let acks = self.acks.is_some();
        let next = Waiting { ticket, sink: Some(sink), acks, ..Waiting::of(call, stage, deadline) };
        if self.routed {
            taken.elsewhere.push((next, Redirect::BySlot));
            return false;
        }
        self.push(next);
        true
    }
}

/// What a decision has found of an issuer's clock, and is to be written down before whoever has shown it is let through.
fn ahead_of(outcome: &mut Outcome) -> Option<Box<Ahead>> {
    outcome.as_mut().ok()?.decision_mut()?.ahead.take()
}

/// A decision and what it is charged after it, as one outcome; and whether that certainly denies.
fn together(mut first: Answer, then: Outcome) -> (Outcome, bool) {
    let (Some(decision), Ok(Answer::Consumption(quota))) = (first.decision_mut(), &then) else {
        let denied = matches!(&then, Err(fault) if *fault == another_question());
        return (then, denied);
    };
    decision.quota = Some(*quota);
    if !quota.allowed {
        let mut deny = Reasons::default();
        deny.add(Reason::QuotaExhausted);
        // What the first step has admitted stands, and is told of.
        let (admitted, evicted) = (decision.admitted, std::mem::take(&mut decision.evicted));
        decision.deny_as_well(deny);
        (decision.admitted, decision.evicted) = (admitted, evicted);
    }
    if let (Answer::ApiKey(KeyAnswer::Used(used)), false) = (&mut first, quota.allowed) {
        // What this very step was charged is given back: what is left then is told with that.
        used.own = used.own.filter(|own| own.replayed || own.charged.is_none());
    }
    (Ok(first), !quota.allowed)
}

/// A decision that denies, with what is left to the key after its units were given back.
fn given_back(mut outcome: Outcome, undone: Outcome) -> Outcome {
    if let (Ok(Answer::ApiKey(KeyAnswer::Used(used))), Ok(Answer::Consumption(own))) =
        (&mut outcome, undone)
    {
        used.own.get_or_insert(own);
    }
    outcome
}

/// What a server says before a script has run.
const BEFORE: [&str; 15] = [
    "ASK",
    "BUSY",
    "CLUSTERDOWN",
    "CROSSSLOT",
    "LOADING",
    "MASTERDOWN",
    "MISCONF",
    "MOVED",
    "NOAUTH",
    "NOPERM",
    "NOREPLICAS",
    "NOSCRIPT",
    "OOM",
    "READONLY",
    "TRYAGAIN",
];

/// What a server says that is not, or not yet, a primary: another connection may lead to one.
const UNFIT: [&str; 3] = ["LOADING", "MASTERDOWN", "READONLY"];

/// Whether a script has failed over what it found, and not for want of rights, memory or time.
fn is_damage(reply: &Reply) -> bool {
    let Reply::Error(message) = reply else { return false };
    message.starts_with("WRONGTYPE")
        || ["FOREIGN value", "data string too short"].iter().any(|text| message.contains(text))
}

fn read_reply(expects: &Expects, reply: Reply) -> Outcome {
    match (expects, reply) {
        (_, Reply::Error(message)) => {
            // The first word is the server's code; the rest may name keys.
            let code = message.split(' ').next().unwrap_or_default();
            let refused = format!("the store refuses: {code}");
            if BEFORE.contains(&code) {
                Err(Fault::unavailable(refused))
            } else {
                // The script may have got as far as its first writes.
                Err(Fault::unknown(refused))
            }
        }
        (expects, Reply::Bulk(bytes)) => codec::decode(expects, &bytes)
            .ok_or_else(|| Fault::unavailable("the store answered what the script does not"))
            .and_then(Answer::outcome),
        _ => Err(Fault::unavailable("the store answered what the script does not")),
    }
}
