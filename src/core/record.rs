//! All data of one user, and the dispatch of each operation to its rule. Pure: the instant is an argument, and the
//! record has no effect outside itself.

use super::op::{Act, Answer, Op};
use crate::core::api_key::key::key_of_balance;
use crate::core::api_key::ops::{KeyAnswer, KeyOp};
use crate::core::api_key::set::ApiKeySet;
use crate::core::base::clock::Now;
use crate::core::base::error::Fault;
use crate::core::base::reason::{Reason, Reasons};
use crate::core::counter::counter::{Applied, Apply, Counters, RememberedValues};
use crate::core::decision::admission::admit;
use crate::core::decision::api_key::use_key;
use crate::core::decision::credential::denial_reasons;
use crate::core::decision::decide::decide;
use crate::core::decision::login::family;
use crate::core::decision::user_state::UserState;
use crate::core::family::family::Families;
use crate::core::family::ops::{FamilyId, KnownFamily};
use crate::core::quota::place::SideState;
use crate::core::quota::state::QuotaState;
use crate::core::request::credential::Credential;

/// An entry that a record dropped, and that an index outside the record names.
pub enum Gone<'a> {
    /// An API key.
    Key(&'a str),
    /// A refresh family.
    Family(&'a FamilyId),
}

/// One user's record.
#[derive(Clone, Debug, Default)]
pub struct UserRecord {
    user: UserState,
    keys: Option<Box<ApiKeySet>>,
    families: Option<Box<Families>>,
    counters: Counters,
}

impl UserRecord {
    /// Decides one operation and, if it is allowed, carries it out. `aside`: the state outside the record that a request
    /// reads and changes.
    pub fn apply(&mut self, op: &Op<'_>, now: Now<'_>, side: SideState<'_>) -> Answer {
        self.user.sessions.begin(op.horizon_ms, now);
        self.run(op, now, side).unwrap_or_else(Answer::Fault)
    }

    fn run(&mut self, op: &Op<'_>, now: Now<'_>, side: SideState<'_>) -> Result<Answer, Fault> {
        let now_ms = now.ms();
        let UserState { sessions, validity, .. } = &mut self.user;
        Ok(match &op.act {
            Act::Decide(asked) => Answer::Decision(decide(
                &mut self.user,
                asked,
                Reasons::default(),
                now,
                op.most_lead_ms,
                side,
            )?),
            Act::Admit(asked) => Answer::Admission(Box::new(admit(&mut self.user, asked, now_ms))),
            Act::Touch { user, session } => Answer::Session(sessions.touch(user, session, now_ms)),
            Act::End { session, .. } => Answer::Flag(sessions.end(session, now_ms)),
            Act::EndAll { except, .. } => {
                Answer::Count(sessions.end_all(except.as_deref(), now_ms))
            }
            Act::List { user, from } => Answer::Sessions(sessions.list(user, *from)),
            Act::RevokeToken { token, until_ms, .. } => {
                validity.revoke_token(token, *until_ms, now_ms);
                Answer::Flag(true)
            }
            Act::IsRevoked { token, issued, .. } => {
                let reasons = validity.denial_reasons(token, *issued, now_ms);
                Answer::Flag(reasons != Reasons::default())
            }
            Act::RevokeUser { keys, lead, .. } => {
                if *keys {
                    self.keys.get_or_insert_default().revoke_all(now.us);
                }
                Answer::Count(self.user.revoke_all(lead.fixed_ms(), now))
            }
            Act::BlockUser { until_ms, lead, .. } => {
                let ended = self.user.revoke_all(lead.fixed_ms(), now);
                self.user.validity.block(*until_ms);
                Answer::Count(ended)
            }
            Act::UnblockUser { .. } => Answer::Flag(validity.unblock(now_ms)),
            Act::IsBlocked { .. } => Answer::Flag(validity.is_blocked(now_ms)),
            Act::NextGeneration { .. } => Answer::Generation(validity.next_generation(now.us)),
            Act::ApiKey(asked) => {
                Answer::ApiKey(self.api_key(asked, now, op.most_lead_ms, side)?)
            }
            Act::Family(asked) => {
                Answer::Family(family(&mut self.user, &mut self.families, asked, now)?)
            }
            Act::Apply(apply) => Answer::Applied(self.count(apply, None, now_ms)?.0),
            Act::CheckCredential { credential, .. } => {
                Answer::Validity(self.denial_reasons(credential, now_ms).first())
            }
            // Not about a user's record: a store never asks a record.
            Act::Consume(_)
            | Act::AddUnits(_)
            | Act::Refund(_)
            | Act::ResetQuotas { .. }
            | Act::ReceiptKey { .. }
            | Act::Once { .. }
            | Act::OnceRelease { .. }
            | Act::Turn(_)
            | Act::Ping => Answer::Flag(true),
        })
    }

    /// Applies changes of counters under an idempotency key. `found`: the answer stored under that key. Returns the
    /// verdict, and the answer to store from now on, if it is new.
    pub fn apply_once(
        &mut self,
        apply: &Apply<'_>,
        found: Option<&RememberedValues>,
        horizon_ms: u64,
        now: Now<'_>,
    ) -> (Answer, Option<RememberedValues>) {
        self.user.sessions.begin(horizon_ms, now);
        match self.count(apply, found, now.ms()) {
            Ok((applied, fresh)) => (Answer::Applied(applied), fresh),
            Err(fault) => (Answer::Fault(fault), None),
        }
    }

    /// The first reason that denies a credential, or `Allowed`.
    pub fn first_denial(
        &mut self,
        credential: &Credential<'_>,
        horizon_ms: u64,
        now: Now<'_>,
    ) -> Reason {
        self.user.sessions.begin(horizon_ms, now);
        self.denial_reasons(credential, now.ms()).first()
    }

    /// The data of a family that a process may have, if this user has the family.
    #[must_use]
    pub fn known_family(&self, id: &FamilyId, user: &str, now_ms: u64) -> Option<KnownFamily> {
        self.families.as_ref()?.known(id, user, now_ms)
    }

    /// Changes a quota of the record. See [`crate::core::quota::table::QuotaTable::with`].
    pub fn with_quota<T>(&mut self, key: &str, run: impl FnOnce(&mut QuotaState) -> T) -> T {
        self.user.quotas.with(key, run)
    }

    /// The credential is checked first, then the idempotency key, then the bounds.
    fn count(
        &mut self,
        apply: &Apply<'_>,
        found: Option<&RememberedValues>,
        now_ms: u64,
    ) -> Result<(Applied, Option<RememberedValues>), Fault> {
        if let Some(credential) = &apply.credential
            && self.denial_reasons(credential, now_ms) != Reasons::default()
        {
            return Err(Fault::revoked());
        }
        self.counters.apply(apply, found, now_ms)
    }

    fn api_key(
        &mut self,
        op: &KeyOp<'_>,
        now: Now<'_>,
        most_lead_ms: u64,
        side: SideState<'_>,
    ) -> Result<KeyAnswer, Fault> {
        let keys = &mut self.keys;
        match op {
            KeyOp::Use(asked) => {
                let used =
                    use_key(&mut self.user, keys.as_deref_mut(), asked, now, most_lead_ms, side)?;
                Ok(KeyAnswer::Used(Box::new(used)))
            }
            KeyOp::Create(new) => {
                let answer = keys.get_or_insert_default().apply(op, now)?;
                if answer == KeyAnswer::Done(true) {
                    self.drop_balances(&new.place.id);
                }
                Ok(answer)
            }
            _ => match keys {
                Some(keys) => keys.apply(op, now),
                None => ApiKeySet::default().apply(op, now),
            },
        }
    }

    fn denial_reasons(&self, credential: &Credential<'_>, now_ms: u64) -> Reasons {
        denial_reasons(&self.user, self.keys.as_deref(), credential, now_ms)
    }

    /// Drops the balances of a key: they end with it.
    fn drop_balances(&mut self, id: &str) {
        self.user.quotas.remove_where(|key| key_of_balance(key) == Some(id));
    }

    /// Drops everything that has expired. True if nothing is left, so that the record may go.
    pub fn expire(&mut self, now: Now<'_>) -> bool {
        self.expire_named(now, usize::MAX, |_| ())
    }

    /// Drops at most `most` expired entries of each kind, and reports the API keys and families that it drops.
    pub fn expire_named(
        &mut self,
        now: Now<'_>,
        most: usize,
        mut gone: impl FnMut(Gone<'_>),
    ) -> bool {
        let settled_ms = now.settled_ms();
        self.user.sessions.begin(0, now);
        let mut ended: Vec<Box<str>> = Vec::new();
        let mut note = |id: &str| {
            gone(Gone::Key(id));
            ended.push(id.into());
        };
        if self.keys.as_mut().is_some_and(|keys| keys.expire(settled_ms, most, &mut note)) {
            self.keys = None;
        }
        for id in &ended {
            self.drop_balances(id);
        }
        self.user.expire(settled_ms, most);
        let family_gone = |id: &FamilyId| gone(Gone::Family(id));
        if self.families.as_mut().is_some_and(|all| all.expire(settled_ms, most, family_gone)) {
            self.families = None;
        }
        self.is_empty()
    }

    /// Whether the record answers as an absent one.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.user.is_empty()
            && self.keys.is_none()
            && self.families.is_none()
            && self.counters.is_empty()
    }

    /// One line for the canonical dump: records that answer equal read equal.
    #[must_use]
    pub fn describe(&self, now: Now<'_>) -> String {
        let mut record = self.clone();
        record.expire(now);
        if record.is_empty() {
            return String::new();
        }
        let user = record.user.describe();
        let counters = record.counters.describe();
        let keys = record.keys.as_ref().map(|keys| keys.describe());
        let families = record.families.as_ref().map(|families| families.describe());
        format!("{user} {counters} keys={keys:?} families={families:?}")
    }
}
