//! Everything that is known about one user, and what each operation does to it: the one place where
//! decisions are made. Pure: the instant is handed in, nothing is read or written elsewhere.

use super::op::{Act, Issued, Op, Verdict};
use crate::core::api_key::set::KeyRing;
use crate::core::base::clock::Now;
use crate::core::base::due_map::DueMap;
use crate::core::base::reason::{Reason, Reasons};
use crate::core::counter::counter::{Apply, Counters, RememberedValues};
use crate::core::family::family::Families;
use crate::core::family::ops::FamilyId;
use crate::core::quota::idempotency::RememberedCharge;
use crate::core::quota::state::QuotaState;
use crate::core::revocation::epoch::Revocations;
use crate::core::session::session::{Cursor, Page, Session};
use crate::core::session::table::SessionTable;
use crate::core::session::tombstones::Tombstones;

/// One operation lists, ends or forgets so many entries at most where the rest can wait.
pub const SLICE: usize = 200;

/// What an operation on a record touches that lies elsewhere, under the same lock.
#[derive(Default)]
pub struct Aside<'a> {
    /// The quota that a request is charged, where it does not lie in the record.
    pub quota: Option<&'a mut QuotaState>,
    /// What is remembered under the idempotency key that a request brings.
    pub memory: Option<&'a mut Option<RememberedCharge>>,
}

/// What a record no longer keeps, and was found by a name of its own.
pub enum Gone<'a> {
    /// An API key.
    Key(&'a str),
    /// A refresh family.
    Family(&'a FamilyId),
}

/// One user's record.
#[derive(Clone, Debug, Default)]
pub struct UserRecord {
    pub(crate) sessions: SessionTable,
    pub(crate) ended: Tombstones,
    pub(crate) revocations: Option<Box<Revocations>>,
    /// Units used of the quotas that lie with the user.
    pub(crate) quotas: Option<Box<DueMap<Box<str>, QuotaState>>>,
    /// The user's API keys.
    pub(crate) ring: Option<Box<KeyRing>>,
    /// What follows the user's logins.
    pub(crate) families: Option<Box<Families>>,
    pub(crate) counters: Option<Box<Counters>>,
    /// The highest generation drawn or revoked.
    pub(crate) last_generation: u64,
    /// The latest `iat` of a foreign token let through though it lay ahead of our clock: revoking the
    /// user must end it too. 0 where none did.
    pub(crate) ahead_ms: u64,
    /// Counts touches: see `Entry::order`.
    pub(crate) order: u64,
    /// The longest horizon of any operation seen.
    pub(crate) horizon_ms: u64,
}

impl UserRecord {
    /// Decides one operation at `now_us` and, where it is allowed, carries it out. `aside` is what a
    /// request touches that does not lie in the record.
    pub fn apply(&mut self, op: &Op<'_>, now: Now<'_>, aside: Aside<'_>) -> Verdict {
        let now_ms = now.ms();
        self.horizon_ms = self.horizon_ms.max(op.horizon_ms);
        self.expire_sessions(now);
        match &op.act {
            Act::Decide(decide) => self
                .decide(decide, now, op.most_lead_ms, aside)
                .map_or_else(Verdict::Fault, Verdict::Decision),
            Act::Admit(admit) => Verdict::Admission(Box::new(self.admit(admit, now_ms))),
            Act::Touch { user, session } => Verdict::Session(self.touch(user, session, now_ms)),
            Act::End { session, .. } => Verdict::Flag(self.end(session, now_ms)),
            Act::EndAll { except, .. } => Verdict::Count(self.end_all(except.as_deref(), now_ms)),
            Act::List { user, from } => Verdict::Sessions(self.list(user, *from)),
            Act::RevokeToken { token, until_ms, .. } => {
                // Whether the token still lives was judged by the one who asks.
                if *until_ms > now_ms {
                    self.revocations_mut().revoke_token(token, *until_ms);
                }
                Verdict::Flag(true)
            }
            Act::IsRevoked { token, issued, .. } => {
                Verdict::Flag(self.standing(token, *issued, now_ms) != Reasons::default())
            }
            Act::RevokeUser { keys, lead, .. } => {
                if *keys {
                    self.ring_mut().revoke_all(now.us);
                }
                Verdict::Count(self.revoke_all(now, lead.fixed_ms()))
            }
            Act::BlockUser { until_ms, lead, .. } => {
                let ended = self.revoke_all(now, lead.fixed_ms());
                self.revocations_mut().block(*until_ms);
                Verdict::Count(ended)
            }
            Act::UnblockUser { .. } => {
                Verdict::Flag(self.revocations.as_mut().is_some_and(|r| r.unblock(now_ms)))
            }
            Act::ApiKey(key) => self
                .api_key(key, now, op.most_lead_ms, aside)
                .map_or_else(Verdict::Fault, Verdict::ApiKey),
            Act::Family(op) => self.family(op, now).map_or_else(Verdict::Fault, Verdict::Family),
            Act::NextGeneration { .. } => Verdict::Generation(self.next_generation(now.us)),
            Act::Apply(apply) => self.count(apply, None, now_ms).0,
            Act::Standing { credential, .. } => {
                Verdict::Standing(self.stands_against(credential, now_ms).first())
            }
            // Not about a user: the store has no business here.
            Act::Consume(_)
            | Act::AddUnits(_)
            | Act::Refund(_)
            | Act::ResetQuotas { .. }
            | Act::ReceiptKey { .. }
            | Act::Once { .. }
            | Act::OnceRelease { .. }
            | Act::Turn(_)
            | Act::Ping => Verdict::Flag(true),
        }
    }

    /// The same for changes of counters that are remembered: `found` is what stands under their key, and
    /// what is to stand there from now on is returned, where that is new.
    pub fn apply_once(
        &mut self,
        apply: &Apply<'_>,
        found: Option<&RememberedValues>,
        horizon_ms: u64,
        now: Now<'_>,
    ) -> (Verdict, Option<RememberedValues>) {
        self.horizon_ms = self.horizon_ms.max(horizon_ms);
        self.expire_sessions(now);
        self.count(apply, found, now.ms())
    }

    pub(crate) fn touch(&mut self, user: &str, session: &str, now_ms: u64) -> Option<Session> {
        let order = self.next_order();
        let entry = self.sessions.get_mut(session)?;
        entry.touch(now_ms, order);
        Some(entry.view(user, session))
    }

    pub(crate) fn end(&mut self, session: &str, now_ms: u64) -> bool {
        let Some(entry) = self.sessions.remove(session) else {
            return false;
        };
        let horizon_ms = self.horizon_ms;
        let (at, keep) = (entry.ended_at(now_ms), entry.remember_ms(horizon_ms));
        self.ended.add(session.into(), at, keep, false);
        true
    }

    fn end_all(&mut self, except: Option<&str>, now_ms: u64) -> u64 {
        let kept = except.and_then(|id| Some((id, self.sessions.remove(id)?)));
        let ended = std::mem::take(&mut self.sessions);
        if let Some((id, entry)) = kept {
            self.sessions.insert(id, entry);
        }
        let count = ended.len();
        if count > 0 {
            // However many there are, they end in one step. Their tombstones are written by and by.
            self.ended.add_all(ended.into_sessions(), now_ms, self.horizon_ms);
            self.ended.settle(SLICE);
        }
        count as u64
    }

    fn list(&self, user: &str, from: Cursor) -> Page {
        let (page, next) = self.sessions.page(from, SLICE);
        Page { sessions: page.into_iter().map(|(id, entry)| entry.view(user, id)).collect(), next }
    }

    /// Whether the user is blocked.
    pub(crate) fn is_blocked(&self, now_ms: u64) -> bool {
        self.revocations.as_ref().is_some_and(|r| r.is_blocked(now_ms))
    }

    /// What stands against a token, sessions aside.
    pub(crate) fn standing(&self, token: &[u8], issued: Option<Issued>, now_ms: u64) -> Reasons {
        let mut reasons = Reasons::default();
        if let Some(revocations) = &self.revocations {
            if revocations.is_blocked(now_ms) {
                reasons.add(Reason::UserBlocked);
            }
            if revocations.is_token_revoked(token, now_ms) {
                reasons.add(Reason::TokenRevoked);
            }
            if revocations.is_before_epoch(issued, now_ms) {
                reasons.add(Reason::UserRevoked);
            }
        }
        reasons
    }

    /// Own tokens fall by generation. Of foreign ones those fall that were let through before, and
    /// those whose `iat` lies up to the end of this second, and the lead of their issuer's clock after it.
    fn revoke_all(&mut self, now: Now<'_>, lead_ms: u64) -> u64 {
        let generation = self.last_generation.max(now.us);
        // The next token drawn must lie above the epoch, in this very microsecond too.
        self.last_generation = generation;
        let bound_ms = end_of_second(now.ms()).saturating_add(lead_ms);
        let before_ms = bound_ms.max(self.ahead_ms + 1);
        // Counted from the generation: it lies ahead of a clock that was set back.
        let until_ms = now.ms().max(generation / 1000).saturating_add(self.horizon_ms);
        self.revocations_mut().raise_epoch(generation, before_ms, until_ms);
        self.end_all(None, now.ms())
    }

    pub(crate) fn next_generation(&mut self, now_us: u64) -> u64 {
        self.last_generation = now_us.max(self.last_generation + 1);
        self.last_generation
    }

    pub(crate) fn next_order(&mut self) -> u64 {
        self.order += 1;
        self.order
    }

    fn revocations_mut(&mut self) -> &mut Revocations {
        self.revocations.get_or_insert_default()
    }

    /// Sessions that have timed out are ended, as of the instant at which they did.
    pub(crate) fn expire_sessions(&mut self, now: Now<'_>) {
        self.ended.settle(SLICE);
        let (ended, horizon_ms) = (&mut self.ended, self.horizon_ms);
        self.sessions.expire(now.ms(), |id, entry| {
            let at = entry.expires_ms();
            let keep = entry.remember_ms(horizon_ms);
            if at.saturating_add(keep) > now.settled_ms() {
                ended.add(id, at, keep, true);
            }
        });
    }

    /// Drops all that has expired. True where nothing is left and the record may go.
    pub fn expire(&mut self, now: Now<'_>) -> bool {
        self.expire_named(now, usize::MAX, |_| ())
    }

    /// The same for at most so many entries of each kind, naming the API keys and the families that are dropped.
    pub fn expire_named(
        &mut self,
        now: Now<'_>,
        most: usize,
        mut gone: impl FnMut(Gone<'_>),
    ) -> bool {
        let settled_ms = now.settled_ms();
        self.expire_sessions(now);
        self.ended.settle(most);
        self.ended.expire(settled_ms, most);
        if let Some(revocations) = &mut self.revocations {
            revocations.expire(settled_ms, most);
            if revocations.is_empty() {
                self.revocations = None;
            }
        }
        let mut ended: Vec<Box<str>> = Vec::new();
        let mut note = |id: &str| {
            gone(Gone::Key(id));
            ended.push(id.into());
        };
        if self.ring.as_mut().is_some_and(|ring| ring.expire(settled_ms, most, &mut note)) {
            self.ring = None;
        }
        for id in &ended {
            self.drop_balances(id);
        }
        if let Some(quotas) = &mut self.quotas {
            quotas.expire(settled_ms, most, |_, _| ());
            if quotas.is_empty() {
                self.quotas = None;
            }
        }
        let family_gone = |id: &FamilyId| gone(Gone::Family(id));
        if self.families.as_mut().is_some_and(|all| all.expire(settled_ms, most, family_gone)) {
            self.families = None;
        }
        if (self.last_generation / 1000).saturating_add(self.horizon_ms) <= settled_ms {
            self.last_generation = 0;
        }
        if self.ahead_ms <= settled_ms {
            self.ahead_ms = 0;
        }
        self.is_empty()
    }

    /// Whether the record says nothing that an absent one would not.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sessions.is_empty()
            && self.ended.is_empty()
            && self.revocations.is_none()
            && self.quotas.is_none()
            && self.ring.is_none()
            && self.families.is_none()
            && self.counters.is_none()
            && self.last_generation == 0
            && self.ahead_ms == 0
    }

    /// One line that reads equal for records that answer equal.
    #[must_use]
    pub fn describe(&self, now: Now<'_>) -> String {
        let mut record = self.clone();
        record.expire(now);
        if record.is_empty() {
            return String::new();
        }
        let sessions: Vec<_> = record
            .sessions
            .page(Cursor::START, usize::MAX)
            .0
            .into_iter()
            .map(|(id, e)| (id, e.times(), e.idle_ms, e.absolute_end_ms, &e.device))
            .collect();
        let ended = record.ended.describe();
        let revocations = record.revocations.as_ref().map(|r| r.describe());
        let mut quotas: Vec<_> = record.quotas.iter().flat_map(|quotas| quotas.iter()).collect();
        quotas.sort_by_key(|(key, _)| *key);
        let mut counters: Vec<_> = record.counters.iter().flat_map(|all| all.iter()).collect();
        counters.sort();
        let ring = record.ring.as_ref().map(|ring| ring.describe());
        let families = record.families.as_ref().map(|families| families.describe());
        format!(
            "sessions={sessions:?} ended={ended} revocations={revocations:?} quotas={quotas:?} counters={counters:?} ring={ring:?} families={families:?} last_generation={} ahead={}",
            record.last_generation, record.ahead_ms
        )
    }
}

/// A foreign token whose `iat` lies there or later was stamped by a clock ahead of ours.
pub(crate) const fn end_of_second(now_ms: u64) -> u64 {
    (now_ms / 1000 + 1) * 1000
}
