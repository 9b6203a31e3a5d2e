//! The embedded store: one map entry per user, decided and changed under one lock.

use super::api_key_index::ApiKeyIndex;
use super::claims::Claims;
use super::counter_answers::CounterAnswers;
use super::family_index::FamilyIndex;
use super::leads::Leads;
use super::listeners::tell;
use super::quotas::Quotas;
use super::shards::sweep_shard;
use super::turns::Turns;
use crate::core::api_key::ops::{KeyAnswer, KeyOp};
use crate::core::base::clock::{Clock, Now};
use crate::core::base::due_map::SLICE;
use crate::core::base::reason::Reason;
use crate::core::counter::counter::Apply;
use crate::core::family::ops::{FamilyAnswer, FamilyOp, Login, LoginAnswer};
use crate::core::op::Outcome;
use crate::core::op::{Act, Answer, Op};
use crate::core::quota::charge::{Charge, QuotaPlace};
use crate::core::quota::idempotency::Idempotency;
use crate::core::quota::place::SideState;
use crate::core::quota::state::QuotaState;
use crate::core::record::{Gone, UserRecord};
use crate::core::revocation::lead::Lead;
use crate::core::store::{Health, Sink, Store};
use crate::core::turn::ops::{Ask, TurnGate, TurnOp};
use crate::store::shared_users::shared_users;
use dashmap::{DashMap, Entry};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

/// Number of shards of the map. A sweep holds the lock of one shard while it visits its entries. With ten
/// million users that must take about a millisecond, so there are many shards.
const SHARDS: usize = 1024;
/// A sweep stops after the shard in which this time has passed.
const SWEEP_BUDGET: Duration = Duration::from_micros(500);

/// The embedded store.
///
/// Locks: every shard of the map has a lock. An operation holds its user's shard for writing, from finding the
/// record until the last change. It holds no other lock meanwhile, and calls no code that could re-enter the
/// store. So the operations on one user run one after the other, on any number of threads. No decision uses
/// a record that another thread is changing.
///
/// Some operations take further locks, always in this order:
/// - the user's shard,
/// - the shard of a standalone quota that the request is charged,
/// - the shards of remembered charges and of counter answers (see [`Quotas`] and [`CounterAnswers`]).
///
/// The indexes of API keys and of refresh families have maps of their own, locked after the owner's shard (see
/// [`ApiKeyIndex`] and [`FamilyIndex`]). Turns have maps of their own too. If a turn requires a credential, the
/// turn's shard is locked after the user's shard (see [`Turns`]).
pub struct MemoryStore {
    users: DashMap<Box<str>, Box<UserRecord>, ahash::RandomState>,
    /// Standalone quotas, and remembered charges.
    pub(crate) quotas: Quotas,
    /// The index of API keys.
    pub(crate) api_key_index: ApiKeyIndex,
    /// The index of refresh families.
    pub(crate) family_index: FamilyIndex,
    /// Remembered changes of counters.
    pub(crate) counter_answers: CounterAnswers,
    /// Claimed keys, which belong to no user.
    pub(crate) claims: Claims,
    /// Holders and waiters of turns.
    pub(crate) turns: Turns,
    /// How far the clocks of issuers are ahead of this clock.
    pub(crate) leads: Leads,
    /// First issuers of the Auths that use the store. The lock is held for one look-up or one change.
    issuers: Mutex<BTreeSet<String>>,
    clock: Arc<dyn Clock>,
    /// The longest horizon of any Auth that has used the store. A revocation by one Auth must outlive the
    /// tokens that another Auth accepts.
    horizon_ms: AtomicU64,
    /// The shard at which the next sweep starts.
    cursor: AtomicUsize,
}

impl MemoryStore {
    /// Creates an empty store that reads this clock.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        let hasher = ahash::RandomState::new();
        Self {
            quotas: Quotas::new(&hasher, SHARDS),
            counter_answers: CounterAnswers::new(&hasher, SHARDS),
            claims: Claims::new(&hasher, SHARDS),
            turns: Turns::new(&hasher, SHARDS),
            users: DashMap::with_hasher_and_shard_amount(hasher, SHARDS),
            api_key_index: ApiKeyIndex::default(),
            family_index: FamilyIndex::default(),
            leads: Leads::default(),
            issuers: Mutex::default(),
            clock,
            horizon_ms: AtomicU64::new(0),
            cursor: AtomicUsize::new(0),
        }
    }

    /// Decides one operation. `sink` is notified when a requested turn is granted.
    #[must_use]
    pub fn run(&self, mut op: Op<'_>, sink: Option<&Arc<dyn Sink>>) -> Answer {
        let longest = self.horizon_ms.load(Ordering::Relaxed);
        if op.horizon_ms > longest {
            self.horizon_ms.fetch_max(op.horizon_ms, Ordering::Relaxed);
        } else {
            op.horizon_ms = longest;
        }
        let now = Now::of(&*self.clock);
        if let Act::RevokeUser { lead, .. } | Act::BlockUser { lead, .. } = &mut op.act
            && let Lead::Observed { issuer } = lead
        {
            // A token whose lead is recorded later is revoked by the user's record.
            *lead = Lead::Fixed { ms: self.leads.ms(issuer, now.ms()) };
        }
        let op = &op;
        let verdict = self.decide(op, now, sink);
        if let Some(ahead) = verdict.decision().and_then(|decision| decision.ahead.as_deref()) {
            self.leads.note(ahead, now.ms());
        }
        debug_assert!(verdict.kind().is_none_or(|kind| kind == op.act.row().answer));
        if let Some(user) = op.act.invalidates(&verdict) {
            self.turns.listeners.revoked(user);
        }
        verdict
    }

    fn decide(&self, op: &Op<'_>, now: Now<'_>, sink: Option<&Arc<dyn Sink>>) -> Answer {
        match &op.act {
            Act::Ping => Answer::Pong(None),
            Act::Consume(asked) => self.quotas.consume(asked, now),
            Act::AddUnits(asked) => self.quotas.add(asked, now),
            Act::Refund(asked) => match &asked.user {
                None => self.quotas.refund(asked, now),
                Some(user) => {
                    self.users.get_mut(&**user).map_or(Answer::Flag(false), |mut record| {
                        self.quotas.refund_user(&mut record, asked, now)
                    })
                }
            },
            Act::ResetQuotas { keys } => Answer::Flag(self.quotas.reset(keys, now)),
            Act::ReceiptKey { fresh } => Answer::Key(self.quotas.key(fresh)),
            Act::ApiKey(KeyOp::Create(new)) => {
                // Lock order: user, then name. A holder of a name's lock never requests a user.
                let mut record = self.users.entry(new.place.owner.as_str().into()).or_default();
                let verdict = record.apply(op, now, SideState::default());
                if verdict == Answer::ApiKey(KeyAnswer::Done(true)) {
                    self.api_key_index.enter(new);
                }
                verdict
            }
            Act::ApiKey(key) if op.act.user().is_none() => {
                Answer::ApiKey(self.api_key_index.answer(key, now))
            }
            Act::Family(FamilyOp::Find { bucket, family }) => {
                // The name's lock is released before the record is locked.
                let user = self.family_index.find(*bucket, family);
                Answer::Family(FamilyAnswer::Known(
                    user.and_then(|user| {
                        self.users.get(&user)?.known_family(family, &user, now.ms())
                    }),
                ))
            }
            Act::Family(FamilyOp::Login(login)) => self.log_in(login, op, now),
            Act::Apply(apply @ Apply { once: Some(once), .. }) => {
                self.apply_once(apply, once, op.horizon_ms, now)
            }
            Act::Once { key, by, ttl_ms } => {
                Answer::Flag(self.claims.take(key, by, *ttl_ms, now.ms()))
            }
            Act::OnceRelease { key, by } => Answer::Flag(self.claims.release(key, by, now.ms())),
            Act::Turn(turn) => self.turn(turn, op.horizon_ms, now, sink),
            act => match act.charge() {
                Some((user, charge))
                    if charge.place == QuotaPlace::Apart || charge.once.is_some() =>
                {
                    self.about_with(user, charge, op, now)
                }
                _ => act.user().map_or(Answer::Flag(false), |user| self.about(user, op, now)),
            },
        }
    }

    fn about(&self, user: &str, op: &Op<'_>, now: Now<'_>) -> Answer {
        if let Some(mut record) = self.users.get_mut(user) {
            return record.apply(op, now, SideState::default());
        }
        // The user has no record. Most operations then have no effect, and no record is kept.
        let mut record = Box::<UserRecord>::default();
        let verdict = record.apply(op, now, SideState::default());
        if record.is_empty() {
            return verdict;
        }
        // Another thread may have created a record meanwhile. In that case decide on that record, under its
        // lock.
        match self.users.entry(user.into()) {
            Entry::Occupied(mut entry) => entry.get_mut().apply(op, now, SideState::default()),
            Entry::Vacant(entry) => {
                entry.insert(record);
                verdict
            }
        }
    }

    /// Runs a rule on the user's record, and holds the user's shard meanwhile. A new record is kept unless it is empty.
    fn with_record(&self, user: &str, run: impl FnOnce(&mut UserRecord) -> Answer) -> Answer {
        match self.users.entry(user.into()) {
            Entry::Occupied(mut entry) => run(entry.get_mut()),
            Entry::Vacant(entry) => {
                let mut record = Box::<UserRecord>::default();
                let verdict = run(&mut record);
                if !record.is_empty() {
                    entry.insert(record);
                }
                verdict
            }
        }
    }

    /// Lock order: user, then name. A holder of a name's lock never requests a user.
    fn log_in(&self, login: &Login<'_>, op: &Op<'_>, now: Now<'_>) -> Answer {
        let user = &*login.admit.user;
        let run = |record: &mut UserRecord| {
            let verdict = record.apply(op, now, SideState::default());
            self.enter_family(login, &verdict);
            verdict
        };
        self.with_record(user, run)
    }

    /// Enters the family that a login began.
    pub(crate) fn enter_family(&self, login: &Login<'_>, verdict: &Answer) {
        if let Answer::Family(FamilyAnswer::Login(answer)) = verdict
            && matches!(**answer, LoginAnswer::Admitted(..))
        {
            self.family_index.enter(login.family.id, &login.admit.user);
        }
    }

    /// Holds the user's shard from before the look-up of the answer until both are written. So the second of
    /// two equal requests finds the answer of the first.
    fn apply_once(
        &self,
        apply: &Apply<'_>,
        once: &Idempotency,
        horizon_ms: u64,
        now: Now<'_>,
    ) -> Answer {
        let run = |record: &mut UserRecord| {
            self.counter_answers
                .with(once, |found| record.apply_once(apply, found, horizon_ms, now))
        };
        self.with_record(&apply.user, run)
    }

    /// If the turn requires a credential, holds its user's shard until the turn is granted. Lock order: user,
    /// then turn.
    fn turn(
        &self,
        turn: &TurnOp<'_>,
        horizon_ms: u64,
        now: Now<'_>,
        sink: Option<&Arc<dyn Sink>>,
    ) -> Answer {
        let run = |against| self.turns.run(turn, against, now.us, sink);
        let TurnOp::Ask(Ask { place, credential: Some(credential), .. }) = turn else {
            return tell(run(Reason::Allowed));
        };
        let judged =
            |record: &mut UserRecord| run(record.first_denial(credential, horizon_ms, now));
        let known = self.users.get_mut(&*place.id).map(|mut record| judged(&mut record));
        tell(known.unwrap_or_else(|| match self.users.entry((*place.id).into()) {
            Entry::Occupied(mut entry) => judged(entry.get_mut()),
            // The shard is locked even if the user has no record, so that no revocation can enter meanwhile.
            Entry::Vacant(_locked) => judged(&mut UserRecord::default()),
        }))
    }

    /// Decides a request that touches more than its user's record.
    fn about_with(&self, user: &str, charge: &Charge<'_>, op: &Op<'_>, now: Now<'_>) -> Answer {
        // Lock order: user, quota, remembered charge. A holder of a later lock never requests an earlier one.
        let mut record = self.users.entry(user.into()).or_default();
        let mut apply = |quota: Option<&mut QuotaState>| {
            self.quotas.with_memory(charge.once.as_ref(), |memory| {
                record.apply(op, now, SideState { quota, memory: Some(memory) })
            })
        };
        match charge.place {
            QuotaPlace::Apart => self.quotas.with_quota(&charge.key, |state| apply(Some(state))),
            QuotaPlace::Record => apply(None),
        }
    }

    /// Returns a copy of a user's record, as a store reads that does not decide under its lock.
    #[cfg(feature = "test-stores")]
    pub fn read(&self, user: &str) -> UserRecord {
        self.users.get(user).map(|record| (**record).clone()).unwrap_or_default()
    }

    /// Overwrites a user's record, as a store writes that does not decide under its lock.
    #[cfg(feature = "test-stores")]
    pub fn write(&self, user: &str, record: UserRecord) {
        self.users.insert(user.into(), Box::new(record));
    }

    /// Returns the clock.
    #[cfg(feature = "test-stores")]
    pub fn clock(&self) -> &dyn Clock {
        &*self.clock
    }
}

impl Store for MemoryStore {
    fn submit(&self, op: Op<'_>, _ticket: u64, sink: &Arc<dyn Sink>) -> Option<Outcome> {
        Some(self.run(op, Some(sink)).outcome())
    }

    fn listen(&self, gate: TurnGate, sink: Weak<dyn Sink>) {
        self.turns.listeners.listen(gate, &sink);
    }

    fn enter(&self, issuer: &str) {
        self.issuers.lock().unwrap_or_else(PoisonError::into_inner).insert(issuer.to_owned());
    }

    fn health(&self) -> Health {
        let issuers = self.issuers.lock().unwrap_or_else(PoisonError::into_inner);
        let issuers: Vec<String> = issuers.iter().cloned().collect();
        let warnings = shared_users(&issuers, "the embedded store", String::new);
        Health { connected: true, warnings: warnings.into_iter().collect(), ..Health::default() }
    }

    fn sweep(&self) -> usize {
        let now = Now::of(&*self.clock);
        let settled_ms = now.settled_ms();
        let shards = self.users.shards().len();
        let start = Instant::now();
        self.api_key_index.sweep(settled_ms);
        let mut removed = 0;
        for _ in 0..shards {
            let shard = self.cursor.fetch_add(1, Ordering::Relaxed) % shards;
            removed += sweep_shard(&self.users, shard, |user, record| {
                record.expire_named(now, SLICE, |gone| match gone {
                    Gone::Key(id) => self.api_key_index.drop_key(id, user),
                    Gone::Family(id) => self.family_index.drop_family(id),
                })
            });
            removed += self.quotas.sweep(shard, settled_ms);
            removed += self.counter_answers.sweep(shard, settled_ms);
            removed += self.claims.sweep(shard, settled_ms);
            removed += self.turns.sweep(shard, settled_ms * 1000);
            if start.elapsed() >= SWEEP_BUDGET {
                break;
            }
        }
        removed
    }

    fn dump(&self) -> String {
        let now = Now::of(&*self.clock);
        let mut lines: Vec<String> = self
            .users
            .iter()
            .map(|user| (user.key().clone(), user.value().describe(now)))
            .filter(|(_, record)| !record.is_empty())
            .map(|(user, record)| format!("{user:?} {record}\n"))
            .collect();
        lines.extend(self.leads.describe(now.settled_ms()));
        lines.extend(self.quotas.dump(now.settled_ms()));
        lines.extend(self.api_key_index.describe(now));
        lines.extend(self.family_index.describe());
        lines.extend(self.counter_answers.dump(now.settled_ms()));
        lines.extend(self.claims.dump(now.settled_ms()));
        lines.extend(self.turns.dump(now.us, now.settled_ms() * 1000));
        lines.sort();
        lines.concat()
    }
}
