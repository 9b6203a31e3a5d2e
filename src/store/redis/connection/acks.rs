//! A connection whose calls are told only once replicas hold them. Calls that are written together share
//! one WAIT, and the next ones are held back until it is answered. WAIT counts what its own connection has
//! written: so a write of ours goes before it, and a call that found everything as it wanted is held by
//! as many replicas as one that changed something.

use super::pending::{Completions, Stage, Waiting};
use crate::core::base::error::Fault;
use crate::core::base::reason::Reason;
use crate::core::family::ops::{FamilyAnswer, LoginAnswer, RefreshAnswer};
use crate::core::op::Answer;
use crate::core::op::Outcome;
use crate::core::store::Sink;
use crate::core::turn::ops::TurnAnswer;
use crate::store::redis::net::resp;
use crate::store::redis::net::resp::Reply;
use crate::store::redis::protocol::call::{Call, Expects};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// By how much a WAIT ends before those who wait are told that it took too long.
const MARGIN: Duration = Duration::from_millis(50);

/// What is known of the replicas of a connection.
pub struct Acks {
    /// So many must hold what is told.
    wanted: u32,
    /// A key of the prefix's, without its bucket.
    prefix: String,
    /// Longest wait.
    timeout: Duration,
    /// Calls that stand behind the last WAIT.
    open: usize,
    /// WAITs that are not answered.
    waits: usize,
    /// Answered, but for the replicas.
    answered: Vec<Answered>,
    /// Our write before the last WAIT was taken.
    marked: bool,
}

struct Answered {
    sink: Arc<dyn Sink>,
    ticket: u64,
    outcome: Outcome,
    deadline: Instant,
}

impl Acks {
    pub fn new(wanted: u32, prefix: &str, timeout: Duration) -> Self {
        Self {
            wanted,
            prefix: prefix.to_owned(),
            timeout,
            open: 0,
            waits: 0,
            answered: Vec::new(),
            marked: false,
        }
    }

    /// A call was appended.
    pub fn opened(&mut self) {
        self.open += 1;
    }

    /// Ends a batch that is about to be written, where the one before it is answered. Returns where the batch begins
    /// among the calls, and what is written after it: a write of ours, and a WAIT.
    pub fn close_batch(&mut self, waiting: &VecDeque<Waiting>) -> Option<(usize, [Waiting; 2])> {
        if self.open == 0 || self.waits > 0 {
            return None;
        }
        let now = Instant::now();
        let first = waiting.len() - self.open;
        let calls = waiting.range(first..);
        let earliest = calls.clone().map(|waiting| waiting.deadline).min().unwrap_or(now);
        // Half, so that those who come meanwhile have as much left.
        let left = earliest.saturating_duration_since(now).min(self.timeout / 2);
        let wait = left.saturating_sub(MARGIN).as_millis().max(1).to_string();
        // A slot that is on its way to this server takes our write as it takes the call.
        let tagged = calls.last().map(|last| (last.call.slot, tag(last), last.asking));
        let (slot, tag, asking) = tagged.unwrap_or_default();
        let key = format!("{}{tag}:ack", self.prefix);
        let wanted = self.wanted.to_string();
        let deadline = now + self.timeout;
        (self.open, self.waits) = (0, 1);
        let mark = command(&[b"SET", key.as_bytes(), b"", b"PX", b"1"], slot);
        let mark = Waiting { asking, ..Waiting::of(mark, Stage::Mark, deadline) };
        let wait = command(&[b"WAIT", wanted.as_bytes(), wait.as_bytes()], slot);
        Some((first, [mark, Waiting::of(wait, Stage::Wait, deadline)]))
    }

    /// Counts the calls of the batch that is not closed anew: some of them have gone.
    pub fn count_batch(&mut self, waiting: &VecDeque<Waiting>) {
        let is_open = |waiting: &&Waiting| !matches!(waiting.stage, Stage::Wait);
        self.open = waiting.iter().rev().take_while(is_open).count();
    }

    /// Calls that are not written, because their batch is not closed.
    pub const fn open(&self) -> usize {
        self.open
    }

    /// Keeps what a call came to until replicas hold it. What was refused is told at once.
    pub fn keep(
        &mut self,
        sink: Arc<dyn Sink>,
        ticket: u64,
        outcome: Outcome,
        deadline: Instant,
    ) -> Option<(Arc<dyn Sink>, u64, Outcome)> {
        if outcome.is_err() {
            return Some((sink, ticket, outcome));
        }
        self.answered.push(Answered { sink, ticket, outcome, deadline });
        None
    }

    /// What the reply to our write says.
    pub fn mark(&mut self, reply: &Reply) {
        self.marked = matches!(reply, Reply::Status(_));
    }

    /// What the reply to a WAIT means for the calls before it.
    pub fn settle(&mut self, reply: &Reply) -> Completions {
        self.waits = self.waits.saturating_sub(1);
        let held = match reply {
            Reply::Integer(held) if self.marked => u32::try_from(*held).unwrap_or(0),
            _ => 0,
        };
        self.marked = false;
        self.tell(held, |_| true)
    }

    /// Those that waited too long for replicas.
    pub fn overdue(&mut self, now: Instant) -> Completions {
        self.tell(0, |done| done.deadline <= now)
    }

    /// The connection is lost: nobody hears of replicas any more.
    pub fn lost(&mut self) -> Completions {
        (self.open, self.waits, self.marked) = (0, 0, false);
        self.tell(0, |_| true)
    }

    /// Tells some that so many replicas hold what they asked for.
    fn tell(&mut self, held: u32, is_meant: impl Fn(&Answered) -> bool) -> Completions {
        let (meant, rest) = self.answered.drain(..).partition(is_meant);
        self.answered = rest;
        let wanted = self.wanted;
        let told = |Answered { sink, ticket, outcome, .. }: Answered| {
            let stands = held >= wanted || !outcome.as_ref().is_ok_and(must_be_held);
            (sink, ticket, if stands { outcome } else { Err(too_few(held, wanted)) })
        };
        Vec::into_iter(meant).map(told).collect()
    }
}

/// Whether a failover that forgets it would break what was told: a denial, or a place in a queue, it may.
fn must_be_held(verdict: &Answer) -> bool {
    match verdict {
        Answer::Admission(admission) => admission.reason == Reason::Allowed,
        Answer::Family(FamilyAnswer::Login(answer)) => {
            matches!(**answer, LoginAnswer::Admitted(..))
        }
        // That a session was ended must stand for whoever asks again, because replicas did not hold it at first.
        Answer::Family(FamilyAnswer::Refresh(answer)) => {
            !matches!(**answer, RefreshAnswer::Invalid | RefreshAnswer::Expired)
        }
        Answer::Family(FamilyAnswer::Unknown) => false,
        Answer::Turn(answer) => matches!(answer, TurnAnswer::Granted { .. }),
        _ => true,
    }
}

fn too_few(held: u32, wanted: u32) -> Fault {
    Fault::unknown(format!(
        "the write stands, and {held} of the {wanted} replicas of store.acks are known to hold it: a failover may lose it"
    ))
}

/// `:{bucket}` of a call's first key.
fn tag(waiting: &Waiting) -> String {
    let tail = &waiting.call.tail;
    let begins = tail.iter().position(|byte| *byte == b'{');
    let ends = tail.iter().position(|byte| *byte == b'}');
    match (begins, ends) {
        (Some(begins), Some(ends)) if begins < ends => {
            format!(":{}", String::from_utf8_lossy(&tail[begins..=ends]))
        }
        _ => String::new(),
    }
}

fn command(words: &[&[u8]], slot: u16) -> Call {
    let mut tail = Vec::new();
    for word in words {
        resp::argument(&mut tail, word);
    }
    Call { script: None, slot, arguments: words.len(), tail, expects: Expects::Flag }
}
