//! Completions on the JavaScript thread, from the arrival of an outcome until JavaScript takes it.

use crate::core::op::Outcome;
use std::collections::{HashMap, VecDeque};

/// The operations that wait for their outcome, by completion id. `C` is the continuation of an operation.
#[derive(Default)]
pub struct Completions<C> {
    last_id: u64,
    /// Continuations of operations without an outcome.
    waiting: HashMap<u64, C, ahash::RandomState>,
    /// Outcomes that have no verdict record yet.
    arrived: VecDeque<(u64, Outcome)>,
    /// Outcomes whose record tells JavaScript to take them as an object.
    ready: HashMap<u64, Outcome, ahash::RandomState>,
}

impl<C> Completions<C> {
    /// Returns a new completion id. Ids stay below 2^53 for the life of any process.
    pub fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// Stores the continuation of an operation.
    pub fn wait(&mut self, id: u64, continuation: C) {
        self.waiting.insert(id, continuation);
    }

    /// Takes the continuation of an operation.
    pub fn continuation(&mut self, id: u64) -> Option<C> {
        self.waiting.remove(&id)
    }

    /// Adds outcomes that a bridge has gathered.
    pub fn add(&mut self, outcomes: Vec<(u64, Outcome)>) {
        self.arrived.extend(outcomes);
    }

    /// Takes the outcome that arrived first.
    pub fn next(&mut self) -> Option<(u64, Outcome)> {
        self.arrived.pop_front()
    }

    /// Keeps an outcome until JavaScript takes it.
    pub fn keep(&mut self, id: u64, outcome: Outcome) {
        self.ready.insert(id, outcome);
    }

    /// Takes an outcome that was kept.
    pub fn take(&mut self, id: u64) -> Option<Outcome> {
        self.ready.remove(&id)
    }
}
