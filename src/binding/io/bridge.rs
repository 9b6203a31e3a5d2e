//! Completions on their way to the JavaScript thread: gathered from any thread, announced once a
//! batch, taken over by number.

use crate::core::base::handoff::Handoff;
use crate::core::op::Outcome;
use crate::core::store::{Notice, Sink};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use std::cell::Cell;
use std::collections::{HashMap, VecDeque};
use std::ptr;

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

    /// Wakes the JavaScript thread.
    pub fn wake(&self) {
        // Refused only where the environment is being torn down: nobody waits there any more.
        self.wake.call((), ThreadsafeFunctionCallMode::NonBlocking);
    }

    /// Runs something on the JavaScript thread, which takes afterwards what came meanwhile, unannounced.
    pub fn here<T>(&self, run: impl FnOnce() -> T) -> T {
        struct Leave;
        impl Drop for Leave {
            fn drop(&mut self) {
                HERE.set(ptr::null());
            }
        }
        HERE.set(self);
        let _leave = Leave;
        run()
    }

    fn announce(&self, needed: bool) {
        if needed && !ptr::eq(HERE.get(), self) {
            self.wake();
        }
    }
}

thread_local! {
    /// Whose completions this thread will take without being told. Only compared.
    static HERE: Cell<*const Bridge> = const { Cell::new(ptr::null()) };
}

impl Sink for Bridge {
    fn complete(&self, ticket: u64, outcome: Outcome) {
        self.announce(self.completions.push([(ticket, outcome)]));
    }

    fn complete_all(&self, batch: Vec<(u64, Outcome)>) {
        self.announce(self.completions.push(batch));
    }

    fn notice(&self, notice: Notice) {
        if self.notices.push([notice]) {
            self.wake();
        }
    }
}

/// What the JavaScript thread knows of its tickets.
#[derive(Default)]
pub struct Tickets<C> {
    last: u64,
    /// What is to be done when the outcome comes.
    waiting: HashMap<u64, C, ahash::RandomState>,
    /// Arrived, not yet written into a record.
    arrived: VecDeque<(u64, Outcome)>,
    /// Announced as ready to be taken as an object.
    ready: HashMap<u64, Outcome, ahash::RandomState>,
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
