//! Completions on their way to the JavaScript thread: gathered from any thread, announced once a
//! batch, taken over by number.

use crate::core::handoff::Handoff;
use crate::core::store::{Notice, Outcome, Sink};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use std::collections::{HashMap, VecDeque};

/// Calls `wake` on the JavaScript thread; weak, so that waiting for it keeps no process alive.
pub type Wake = ThreadsafeFunction<(), (), (), napi::Status, false, true>;

/// Where stores deliver.
pub struct Bridge {
    completions: Handoff<(u64, Outcome)>,
    notices: Handoff<Notice>,
    wake: Wake,
}

impl Bridge {
    /// A bridge that announces itself through `wake`.
    pub fn new(wake: Wake) -> Self {
        Self { completions: Handoff::default(), notices: Handoff::default(), wake }
    }

    /// Takes everything that has arrived.
    pub fn take(&self) -> Vec<(u64, Outcome)> {
        self.completions.take()
    }

    /// Takes what was told of the store.
    pub fn notices(&self) -> Vec<Notice> {
        self.notices.take()
    }

    fn announce(&self, needed: bool) {
        if needed {
            // Refused only where the environment is being torn down: nobody waits there any more.
            self.wake.call((), ThreadsafeFunctionCallMode::NonBlocking);
        }
    }
}

impl Sink for Bridge {
    fn complete(&self, ticket: u64, outcome: Outcome) {
        self.announce(self.completions.push([(ticket, outcome)]));
    }

    fn complete_all(&self, batch: Vec<(u64, Outcome)>) {
        self.announce(self.completions.push(batch));
    }

    fn notice(&self, notice: Notice) {
        self.announce(self.notices.push([notice]));
    }
}

/// What the JavaScript thread knows of its tickets.
#[derive(Default)]
pub struct Tickets<C> {
    last: u64,
    /// What is to be done when the outcome comes.
    waiting: HashMap<u64, C>,
    /// Arrived, not yet written into a record.
    arrived: VecDeque<(u64, Outcome)>,
    /// Announced as ready to be taken as an object.
    ready: HashMap<u64, Outcome>,
}

impl<C> Tickets<C> {
    /// A new ticket. Below 2^53 for any life of a process.
    pub fn draw(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// Notes what is to be done when the outcome comes.
    pub fn wait(&mut self, ticket: u64, continuation: C) {
        self.waiting.insert(ticket, continuation);
    }

    /// What was noted.
    pub fn continuation(&mut self, ticket: u64) -> Option<C> {
        self.waiting.remove(&ticket)
    }

    /// Adds what a bridge gathered.
    pub fn add(&mut self, outcomes: Vec<(u64, Outcome)>) {
        self.arrived.extend(outcomes);
    }

    /// The next that arrived.
    pub fn next(&mut self) -> Option<(u64, Outcome)> {
        self.arrived.pop_front()
    }

    /// Keeps an outcome until it is asked for.
    pub fn keep(&mut self, ticket: u64, outcome: Outcome) {
        self.ready.insert(ticket, outcome);
    }

    /// An outcome that was kept.
    pub fn take(&mut self, ticket: u64) -> Option<Outcome> {
        self.ready.remove(&ticket)
    }
}
