//! The store of observe mode. It reports decisions and spends nothing real. Revocations, blocks and API keys
//! are in the real store. Sessions, refresh families and charges are in a second store, the trial. A request
//! is checked in the real store first. If the real store allows it, the trial decides.

use super::steps;
use super::steps::{At, Next, Then};
use crate::core::op::Op;
use crate::core::op::Outcome;
use crate::core::store::{Health, Notice, Sink, Source, Store};
use crate::core::turn::ops::TurnGate;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// The store of observe mode: see the module.
pub struct ShadowStore {
    steps: Arc<Steps>,
}

/// Runs operations step by step. It receives the outcome of steps that complete later.
struct Steps {
    real: Arc<dyn Store>,
    trial: Arc<dyn Store>,
    /// The number of the last step.
    last: AtomicU64,
    /// Operations that wait for a step, by its number. The mutex is held for one look-up or one change. It is
    /// not held while stores and sinks are called.
    waiting: Mutex<HashMap<u64, Waiting>>,
    me: Weak<Self>,
    outer: Mutex<Weak<dyn Sink>>,
}

/// An operation that waits for one of its steps.
struct Waiting {
    then: Then,
    asker: Asker,
}

/// The caller of an operation.
#[derive(Clone)]
struct Asker {
    ticket: u64,
    sink: Arc<dyn Sink>,
    horizon_ms: u64,
    most_lead_ms: u64,
}

/// Completed operations of one caller, and their outcomes.
type Over = (Arc<dyn Sink>, Vec<(u64, Outcome)>);

/// A sink that ignores everything.
struct NullSink;

impl Sink for NullSink {
    fn complete(&self, _ticket: u64, _outcome: Outcome) {}
}

impl ShadowStore {
    /// Reads `real`, and spends in `trial`.
    #[must_use]
    pub fn new(real: Arc<dyn Store>, trial: Arc<dyn Store>) -> Self {
        let nobody: Weak<dyn Sink> = Weak::<NullSink>::new();
        let steps = Arc::new_cyclic(|me| Steps {
            real,
            trial,
            last: AtomicU64::new(0),
            waiting: Mutex::default(),
            me: Weak::clone(me),
            outer: Mutex::new(nobody),
        });
        Self { steps }
    }
}

impl Steps {
    fn store(&self, at: At) -> &Arc<dyn Store> {
        match at {
            At::Real => &self.real,
            At::Trial => &self.trial,
        }
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<u64, Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs steps until one completes later, or all are done.
    fn run(self: &Arc<Self>, mut next: Next, asker: &Asker) -> Option<Outcome> {
        let me: Arc<dyn Sink> = Arc::clone(self) as Arc<dyn Sink>;
        loop {
            let (at, act, then) = match next {
                Next::Done(outcome) => return Some(outcome),
                Next::Ask(at, act, then) => (at, act, then),
            };
            let number = self.last.fetch_add(1, Ordering::Relaxed) + 1;
            // This comes before the question: another thread can complete it immediately.
            self.waiting().insert(number, Waiting { then, asker: asker.clone() });
            let Asker { horizon_ms, most_lead_ms, .. } = *asker;
            let op = Op { act: *act, horizon_ms, most_lead_ms };
            let outcome = self.store(at).submit(op, number, &me)?;
            let Waiting { then, .. } = self.waiting().remove(&number)?;
            next = steps::go_on(then, outcome);
        }
    }

    /// Handles the completion of one step. Returns the outcome if it was the last.
    fn step(self: &Arc<Self>, number: u64, outcome: Outcome) -> Option<(Asker, Outcome)> {
        let Waiting { then, asker } = self.waiting().remove(&number)?;
        let outcome = self.run(steps::go_on(then, outcome), &asker)?;
        Some((asker, outcome))
    }

    /// A later step does not belong to a turn of the event loop that would flush it.
    fn flush(&self) {
        for store in [&self.real, &self.trial] {
            if store.holds_back() {
                store.flush();
            }
        }
    }
}

impl Sink for Steps {
    fn complete(&self, number: u64, outcome: Outcome) {
        self.complete_all(vec![(number, outcome)]);
    }

    fn complete_all(&self, batch: Vec<(u64, Outcome)>) {
        let Some(me) = self.me.upgrade() else { return };
        let mut over: Vec<Over> = Vec::new();
        for (number, outcome) in batch {
            let Some((Asker { ticket, sink, .. }, outcome)) = me.step(number, outcome) else {
                continue;
            };
            match over.iter_mut().find(|(known, _)| Arc::ptr_eq(known, &sink)) {
                Some((_, outcomes)) => outcomes.push((ticket, outcome)),
                None => over.push((sink, vec![(ticket, outcome)])),
            }
        }
        self.flush();
        for (sink, outcomes) in over {
            sink.complete_all(outcomes);
        }
    }

    /// Forwards only two notices of the trial: it can be watched again, and its data is damaged. The real
    /// store reports whether the server is reachable.
    fn notice(&self, notice: Notice) {
        if matches!(notice, Notice::Opened | Notice::Damaged) {
            let outer = self.outer.lock().unwrap_or_else(PoisonError::into_inner).upgrade();
            if let Some(outer) = outer {
                outer.notice(notice);
            }
        }
    }
}

impl Store for ShadowStore {
    fn submit(&self, op: Op<'_>, ticket: u64, sink: &Arc<dyn Sink>) -> Option<Outcome> {
        let steps = &self.steps;
        if let Some(at) = steps::simply_at(&op.act) {
            return steps.store(at).submit(steps::without_session(op), ticket, sink);
        }
        let Op { act, horizon_ms, most_lead_ms } = op.into_owned();
        let asker = Asker { ticket, sink: Arc::clone(sink), horizon_ms, most_lead_ms };
        steps.run(steps::begin(act), &asker)
    }

    fn flush(&self) {
        self.steps.real.flush();
        self.steps.trial.flush();
    }

    fn holds_back(&self) -> bool {
        self.steps.real.holds_back() || self.steps.trial.holds_back()
    }

    fn watch(&self, sink: Weak<dyn Sink>) {
        *self.steps.outer.lock().unwrap_or_else(PoisonError::into_inner) = Weak::clone(&sink);
        self.steps.real.watch(sink);
        let me: Weak<dyn Sink> = Weak::clone(&self.steps.me) as Weak<dyn Sink>;
        self.steps.trial.watch(me);
    }

    fn listen(&self, gate: TurnGate, sink: Weak<dyn Sink>) {
        self.steps.real.listen(gate, sink);
    }

    fn sources(&self) -> Vec<Arc<dyn Source>> {
        let mut sources = self.steps.real.sources();
        sources.extend(self.steps.trial.sources());
        sources
    }

    fn receive(&self, source: &Arc<dyn Source>) -> bool {
        // Neither store touches a source of the other.
        self.steps.real.receive(source) || self.steps.trial.receive(source)
    }

    fn health(&self) -> Health {
        self.steps.real.health()
    }

    fn close(&self) {
        self.steps.real.close();
        self.steps.trial.close();
    }

    fn sweep(&self) -> usize {
        self.steps.real.sweep() + self.steps.trial.sweep()
    }

    fn dump(&self) -> String {
        let (real, trial) = (self.steps.real.dump(), self.steps.trial.dump());
        if trial.is_empty() { real } else { format!("{real}-- trial\n{trial}") }
    }
}
