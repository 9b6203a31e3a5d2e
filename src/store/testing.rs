//! Stores for tests, never part of a release. The late store answers late and out of order. No caller may
//! notice a difference. The racy store reads immediately and writes later, as check-then-act does. Every race
//! test must fail on the racy store, or the test proves nothing.

use crate::core::api_key::ops::{KeyAnswer, KeyOp};
use crate::core::base::clock::{Clock, Now};
use crate::core::base::error::Fault;
use crate::core::base::reason::Reason;
use crate::core::counter::claim;
use crate::core::counter::claim::Held;
use crate::core::counter::counter::{Apply, RememberedValues};
use crate::core::family::ops::FamilyOp;
use crate::core::op::Outcome;
use crate::core::op::{Act, Answer, Op};
use crate::core::quota::charge::QuotaPlace;
use crate::core::quota::idempotency::{Idempotency, RememberedCharge};
use crate::core::quota::place::SideState;
use crate::core::quota::spend;
use crate::core::quota::state::{Moment, QuotaState, RECEIPT_MS, ReceiptId};
use crate::core::record::UserRecord;
use crate::core::store::{Sink, Store};
use crate::core::turn::ops::{Ask, TurnGate, TurnOp, TurnPlace};
use crate::core::turn::state::TurnState;
use crate::store::memory::listeners::{Woken, tell};
use crate::store::memory::store::MemoryStore;
use crate::store::named::named;
use std::sync::{Arc, Condvar, Mutex, PoisonError, Weak};
use std::thread;
use std::time::Duration;

/// Opens `test-deferred:name` or `test-racy:name`. With `?gate=N` the store waits until N operations have
/// arrived, or until `FALLBACK` has passed. Without a gate it waits until no further operation arrives.
///
/// # Errors
/// `ERR_LATCHGATE_CONFIG` for any other URL.
pub fn open(url: &str, clock: Arc<dyn Clock>) -> Result<Arc<dyn Store>, Fault> {
    let (name, gate) = url.split_once("?gate=").unwrap_or((url, "0"));
    let gate: usize = gate.parse().map_err(|_| Fault::config("store: gate is not a number"))?;
    let racy = match name.split_once(':') {
        Some(("test-deferred", _)) => false,
        Some(("test-racy", _)) => true,
        _ => return Err(Fault::config("store: no such test store")),
    };
    Ok(named(url, || LateStore::start(MemoryStore::new(clock), racy, gate)))
}

/// The gate opens after this time even if operations are missing, so that a test fails instead of hanging.
const FALLBACK: Duration = Duration::from_secs(2);
/// Without a gate: waiting time after the last arrival.
const QUIET: Duration = Duration::from_millis(3);

enum Job {
    /// Not decided yet.
    Decide(Op<'static>),
    /// Decided on the state at its arrival. Not written yet.
    Write(Box<Stale>, Answer),
}

/// The state at the arrival of an operation, with the changes of the operation.
#[derive(Default)]
struct Stale {
    record: Option<(String, Box<UserRecord>)>,
    quota: Option<(String, QuotaState)>,
    memory: Option<([u8; 16], Option<RememberedCharge>)>,
    refunded: Option<(ReceiptId, u64)>,
    once: Option<(String, Option<Held>)>,
    /// Stored under its idempotency key. It is as stale as the rest.
    answer: Option<(Idempotency, RememberedValues)>,
    turn: Option<(TurnPlace<'static>, TurnState, Option<Woken>)>,
}

struct Waiting {
    job: Job,
    ticket: u64,
    sink: Arc<dyn Sink>,
}

/// A store that answers from its own thread. The mutex guards the queue. The thread takes the whole queue out,
/// then processes it.
pub struct LateStore {
    memory: MemoryStore,
    racy: bool,
    gate: usize,
    queue: Mutex<Vec<Waiting>>,
    arrived: Condvar,
}

impl LateStore {
    fn start(memory: MemoryStore, racy: bool, gate: usize) -> Arc<Self> {
        let store =
            Arc::new(Self { memory, racy, gate, queue: Mutex::default(), arrived: Condvar::new() });
        let worker = Arc::clone(&store);
        thread::spawn(move || worker.work());
        store
    }

    fn work(&self) -> ! {
        let mut random = 0x2545_F491_4F6C_DD1D_u64;
        loop {
            let mut batch = self.gather();
            // Fisher-Yates shuffle, with a generator that is the same in every run.
            for at in (1..batch.len()).rev() {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                let other = usize::try_from(random % (at as u64 + 1)).unwrap_or(0);
                batch.swap(at, other);
            }
            for Waiting { job, ticket, sink } in batch {
                let verdict = match job {
                    Job::Decide(op) => self.memory.run(op, Some(&sink)),
                    Job::Write(stale, verdict) => {
                        let stale = *stale;
                        if let Some((user, record)) = stale.record {
                            self.memory.write(&user, *record);
                        }
                        let quotas = &self.memory.quotas;
                        if let Some((key, state)) = stale.quota {
                            quotas.write_quota(&key, state);
                        }
                        if let Some((name, memory)) = stale.memory {
                            quotas.write_memory(&name, memory);
                        }
                        if let Some((id, until_ms)) = stale.refunded {
                            quotas.write_refunded(id, until_ms);
                        }
                        if let Some((key, held)) = stale.once {
                            self.memory.claims.write(&key, held);
                        }
                        if let Some((once, answer)) = stale.answer {
                            self.memory.counter_answers.with(&once, |_| ((), Some(answer)));
                        }
                        if let Some((place, state, woken)) = stale.turn {
                            self.memory.turns.write(&place, state);
                            tell(((), woken));
                        }
                        verdict
                    }
                };
                sink.complete(ticket, verdict.outcome());
            }
        }
    }

    /// Decides on copies, which are written back later.
    fn check_now(&self, op: Op<'static>) -> Job {
        let now = Now::of(self.memory.clock());
        let mut stale = Stale::default();
        let verdict = match &op.act {
            Act::Apply(apply) => self.check_counters(apply, op.horizon_ms, now, &mut stale),
            Act::Once { key, by, ttl_ms } => {
                let mut held = self.memory.claims.read(key);
                let taken = claim::take(&mut held, by, *ttl_ms, now.ms());
                stale.once = Some((key.to_string(), held));
                Answer::Flag(taken)
            }
            Act::OnceRelease { key, by } => {
                let mut held = self.memory.claims.read(key);
                let released = claim::release(&mut held, by, now.ms());
                stale.once = Some((key.to_string(), held));
                Answer::Flag(released)
            }
            Act::Turn(turn) => self.check_turn(turn, op.horizon_ms, now, &mut stale),
            Act::ResetQuotas { .. } | Act::ReceiptKey { .. } | Act::Ping => return Job::Decide(op),
            // These operations touch only the index of keys or of families.
            Act::ApiKey(_) if op.act.user().is_none() => return Job::Decide(op),
            Act::Family(FamilyOp::Find { .. }) => return Job::Decide(op),
            _ => {
                stale = self.read(&op.act);
                self.apply(&op, &mut stale, now)
            }
        };
        Job::Write(Box::new(stale), verdict)
    }

    /// Reads the state that a request or a charge is decided on.
    fn read(&self, act: &Act<'_>) -> Stale {
        let quotas = &self.memory.quotas;
        let memory_of = |once: &Option<Idempotency>| {
            once.as_ref().map(|once| (once.name, quotas.read_memory(&once.name)))
        };
        let (key, memory) = match act {
            Act::Consume(asked) => (Some(&asked.key), memory_of(&asked.once)),
            Act::AddUnits(asked) => (Some(&asked.key), memory_of(&asked.once)),
            Act::Refund(asked) => {
                let memory = asked.memory.map(|name| (name, quotas.read_memory(&name)));
                (asked.user.is_none().then_some(&asked.key), memory)
            }
            act => act.charge().map_or((None, None), |(_, charge)| {
                let apart = charge.place == QuotaPlace::Apart;
                (apart.then_some(&charge.key), memory_of(&charge.once))
            }),
        };
        Stale {
            record: act.user().map(|user| (user.to_owned(), Box::new(self.memory.read(user)))),
            quota: key.map(|key| (key.to_string(), quotas.read_quota(key))),
            memory,
            ..Stale::default()
        }
    }

    fn apply(&self, op: &Op<'_>, stale: &mut Stale, now: Now<'_>) -> Answer {
        let moment = Moment::at(now.us);
        let mut none = None;
        let memory = stale.memory.as_mut().map_or(&mut none, |(_, memory)| memory);
        let quota = stale.quota.as_mut().map(|(_, state)| state);
        let told = |answer: Result<_, _>| answer.map_or_else(Answer::Fault, Answer::Consumption);
        match (&op.act, quota, &mut stale.record) {
            (Act::Consume(asked), Some(state), _) => {
                told(spend::consume(state, memory, asked, moment))
            }
            (Act::AddUnits(asked), Some(state), _) => {
                told(spend::add(state, memory, asked, moment))
            }
            (Act::Refund(asked), quota, record) => {
                let spent = self.memory.quotas.was_refunded(&asked.charged.id);
                let mut refund =
                    |state: &mut QuotaState| spend::refund(state, memory, spent, asked, now.us);
                let given_back = match (quota, record) {
                    (Some(state), _) => refund(state),
                    (None, Some((_, record))) => record.with_quota(&asked.key, refund),
                    (None, None) => false,
                };
                let spent = (asked.charged.id, now.ms() + RECEIPT_MS);
                stale.refunded = given_back.then_some(spent);
                Answer::Flag(given_back)
            }
            (_, quota, Some((_, record))) => {
                let verdict = record.apply(op, now, SideState { quota, memory: Some(memory) });
                if let (Act::ApiKey(KeyOp::Create(new)), Answer::ApiKey(KeyAnswer::Done(true))) =
                    (&op.act, &verdict)
                {
                    self.memory.api_key_index.enter(new);
                }
                if let Act::Family(FamilyOp::Login(login)) = &op.act {
                    self.memory.enter_family(login, &verdict);
                }
                verdict
            }
            (_, _, None) => Answer::Flag(false),
        }
    }

    fn check_counters(
        &self,
        apply: &Apply<'_>,
        horizon_ms: u64,
        now: Now<'_>,
        stale: &mut Stale,
    ) -> Answer {
        let mut record = Box::new(self.memory.read(&apply.user));
        let found = apply.once.as_ref().and_then(|once| self.memory.counter_answers.read(once));
        let (verdict, fresh) = record.apply_once(apply, found.as_ref(), horizon_ms, now);
        stale.record = Some((apply.user.to_string(), record));
        stale.answer = apply.once.zip(fresh);
        verdict
    }

    fn check_turn(
        &self,
        turn: &TurnOp<'_>,
        horizon_ms: u64,
        now: Now<'_>,
        stale: &mut Stale,
    ) -> Answer {
        let against = match turn {
            TurnOp::Ask(Ask { place, credential: Some(credential), .. }) => {
                self.memory.read(&place.id).first_denial(credential, horizon_ms, now)
            }
            _ => Reason::Allowed,
        };
        let turns = &self.memory.turns;
        let mut state = turns.read(turn.place());
        let (verdict, woken) = turns.decide(&mut state, turn, against, now.us);
        stale.turn = Some((turn.place().clone().into_owned(), state, woken));
        verdict
    }

    fn gather(&self) -> Vec<Waiting> {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            while queue.is_empty() {
                queue = self.arrived.wait(queue).unwrap_or_else(PoisonError::into_inner);
            }
            let (wait, wanted) =
                if self.gate == 0 { (QUIET, usize::MAX) } else { (FALLBACK, self.gate) };
            let before = queue.len();
            if before >= wanted {
                return std::mem::take(&mut *queue);
            }
            let (after, timeout) =
                self.arrived.wait_timeout(queue, wait).unwrap_or_else(PoisonError::into_inner);
            queue = after;
            if timeout.timed_out() && queue.len() == before {
                return std::mem::take(&mut *queue);
            }
        }
    }
}

impl Store for LateStore {
    fn listen(&self, gate: TurnGate, sink: Weak<dyn Sink>) {
        self.memory.listen(gate, sink);
    }

    fn submit(&self, op: Op<'_>, ticket: u64, sink: &Arc<dyn Sink>) -> Option<Outcome> {
        if let (Act::ReceiptKey { .. }, 1..) = (&op.act, self.gate) {
            // The operation runs before the first charge, and the gate of a race counts the charges only.
            return Some(self.memory.run(op, None).outcome());
        }
        let op = op.into_owned();
        let job = if self.racy { self.check_now(op) } else { Job::Decide(op) };
        let waiting = Waiting { job, ticket, sink: Arc::clone(sink) };
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).push(waiting);
        self.arrived.notify_one();
        None
    }

    fn sweep(&self) -> usize {
        self.memory.sweep()
    }

    fn dump(&self) -> String {
        self.memory.dump()
    }
}
