//! One API key: its stored state, and its rules for a use. The rules see digests of secrets only.

use crate::core::api_key::types::KeyInfo;
use crate::core::api_key::types::{KeyFacts, KeyPatch, KeyPlace, NewKey};
use crate::core::base::clock::Now;
use crate::core::base::digest::Digest;
use crate::core::base::digest::same;
use crate::core::base::due_map::{Due, DueMap};
use crate::core::base::error::Fault;
use crate::core::base::limits;
use crate::core::base::reason::{Reason, Reasons};
use crate::core::quota::idempotency::{Idempotency, Remembered, RememberedCharge};
use crate::core::quota::spend;
use crate::core::quota::spend::AddUnits;
use crate::core::quota::state::{
    Consumption, Moment, QuotaRule, QuotaState, ReceiptId, Refill, Spend,
};

/// How long a key is still listed after its end, in milliseconds.
pub const LISTED_MS: u64 = limits::KEY_LISTED_MS;

/// Number of replaced secrets that are remembered.
pub const SPENT: usize = limits::KEY_SPENT;

/// One key.
#[derive(Clone, Debug)]
pub struct ApiKey {
    /// Like the generation of a token: compared with the owner's key epoch.
    born: u64,
    created_ms: u64,
    expires_ms: Option<u64>,
    revoked_ms: Option<u64>,
    digest: Digest,
    /// Replaced secrets, the latest first. The latest is accepted until `old_until_ms`.
    spent: Vec<Digest>,
    old_until_ms: u64,
    name: Option<String>,
    start: String,
    facts: KeyFacts,
    quota: QuotaState,
    last_used_ms: Option<u64>,
    /// The stored answers of charges and top-ups under idempotency keys.
    answers: Option<Box<DueMap<[u8; 16], RememberedCharge>>>,
}

impl Due for ApiKey {
    /// When the key is dropped, or an earlier expiry of a stored answer.
    fn due_ms(&self) -> u64 {
        let gone_ms = self.end_ms().map_or(u64::MAX, |at| at.saturating_add(LISTED_MS));
        let answer_ms = self.answers.as_ref().map_or(u64::MAX, |answers| answers.least_due());
        gone_ms.min(answer_ms)
    }
}

impl ApiKey {
    /// A new key.
    #[must_use]
    pub fn new(new: &NewKey, born: u64, now_ms: u64) -> Self {
        let mut key = Self {
            born,
            created_ms: now_ms,
            expires_ms: None,
            revoked_ms: None,
            digest: new.digest,
            spent: Vec::new(),
            old_until_ms: 0,
            name: None,
            start: new.start.clone(),
            facts: KeyFacts::default(),
            quota: QuotaState::default(),
            last_used_ms: None,
            answers: None,
        };
        key.update(&new.patch);
        key
    }

    /// When it ended, or will end; `None`: no end is known.
    fn end_ms(&self) -> Option<u64> {
        [self.revoked_ms, self.expires_ms].into_iter().flatten().min()
    }

    /// When it ended, in milliseconds; `None`: it is valid.
    fn ended_ms(&self, epoch: u64, now_ms: u64) -> Option<u64> {
        let fallen = (self.born <= epoch).then_some(epoch / 1000);
        let expired = self.expires_ms.filter(|at| *at <= now_ms);
        [self.revoked_ms, fallen, expired].into_iter().flatten().min()
    }

    /// Whether its end is too far in the past for a list.
    #[must_use]
    pub fn is_gone(&self, epoch: u64, now_ms: u64) -> bool {
        self.ended_ms(epoch, now_ms).is_some_and(|at| at.saturating_add(LISTED_MS) <= now_ms)
    }

    /// Whether it was revoked, alone or with all keys of its owner.
    #[must_use]
    pub fn is_revoked(&self, epoch: u64) -> bool {
        self.revoked_ms.is_some() || self.born <= epoch
    }

    /// The reasons that deny a use with this secret, quota excluded.
    #[must_use]
    pub fn standing(&self, digest: &Digest, scopes: &[String], epoch: u64, now_ms: u64) -> Reasons {
        let mut deny = Reasons::default();
        let is_current = same(&self.digest, digest);
        // All of them are compared, so that the time does not depend on the match.
        let old =
            self.spent.iter().enumerate().fold(None, |found, (at, spent)| {
                if same(spent, digest) { Some(at) } else { found }
            });
        if self.is_gone(epoch, now_ms) || !(is_current || old.is_some()) {
            deny.add(Reason::KeyUnknown);
            return deny;
        }
        if self.is_revoked(epoch) || !(is_current || (old == Some(0) && self.old_until_ms > now_ms))
        {
            deny.add(Reason::KeyRevoked);
        }
        if self.expires_ms.is_some_and(|at| at <= now_ms) {
            deny.add(Reason::KeyExpired);
        }
        if !scopes.iter().all(|scope| self.facts.scopes.contains(scope)) {
            deny.add(Reason::ScopeMissing);
        }
        deny
    }

    /// The result that a charge of its own quota would have; `None`: it has no quota.
    ///
    /// # Errors
    /// `ERR_LATCHGATE_INPUT` if the idempotency key was used for another question.
    pub fn look(
        &self,
        cost: u64,
        once: Option<&Idempotency>,
        now: Now<'_>,
    ) -> Result<Option<Consumption>, Fault> {
        let Some(rule) = &self.facts.rule else { return Ok(None) };
        let answered = self.answered(once.filter(|_| cost > 0), now.ms())?;
        Ok(Some(answered.unwrap_or_else(|| self.quota.look(rule, cost, now.us))))
    }

    fn answered(
        &self,
        once: Option<&Idempotency>,
        now_ms: u64,
    ) -> Result<Option<Consumption>, Fault> {
        let Some(once) = once else { return Ok(None) };
        let known = self.answers.as_ref().and_then(|answers| answers.get(&once.name));
        let answer = Remembered::recall(known, once, now_ms)?;
        Ok(answer.map(|answer| answer.replayed(now_ms)))
    }

    fn remember(&mut self, once: Option<&Idempotency>, answer: Consumption, now_ms: u64) {
        if let Some(once) = once {
            let answer = Remembered::new(once, answer, now_ms);
            self.answers.get_or_insert_default().insert(once.name, answer);
        }
    }

    /// Charges its quota, as `found` allows, and records the use. A cost of 0 changes nothing.
    pub fn charge(
        &mut self,
        cost: u64,
        once: Option<&Idempotency>,
        receipt: Option<ReceiptId>,
        found: Option<Consumption>,
        now: Now<'_>,
    ) -> Option<Consumption> {
        if cost == 0 {
            return found;
        }
        self.last_used_ms = Some(self.last_used_ms.unwrap_or(0).max(now.ms()));
        let rule = self.facts.rule?;
        if found.is_some_and(|found| found.replayed) {
            return found;
        }
        let charged =
            self.quota.charge(&rule, &Spend { receipt, ..Spend::of(cost) }, Moment::at(now.us));
        self.remember(once, charged, now.ms());
        Some(charged)
    }

    /// Adds units to the balance.
    ///
    /// # Errors
    /// `ERR_LATCHGATE_INPUT` if there is no balance, the sum is too large, or the idempotency key was used for another
    /// question.
    pub fn add(
        &mut self,
        units: u64,
        once: Option<&Idempotency>,
        now: Now<'_>,
    ) -> Result<Consumption, Fault> {
        let rule = self.facts.rule.filter(|rule| rule.refill == Refill::Never);
        let rule = rule.ok_or_else(no_balance)?;
        let known = self.answers.as_ref().zip(once).and_then(|(all, once)| all.get(&once.name));
        let mut memory = known.copied();
        let asked = AddUnits { key: "".into(), rule, units, once: once.copied() };
        let added = spend::add(&mut self.quota, &mut memory, &asked, Moment::at(now.us))?;
        if let Some((once, memory)) = once.zip(memory) {
            self.answers.get_or_insert_default().insert(once.name, memory);
        }
        Ok(added)
    }

    /// Replaces the secret. The previous secret is accepted for `grace_ms` more.
    pub fn rotate(&mut self, digest: Digest, start: &str, grace_ms: u64, now_ms: u64) {
        self.spent.insert(0, self.digest);
        self.spent.truncate(SPENT);
        // Without grace the previous secret ends now, even if the clock is set back.
        self.old_until_ms = if grace_ms > 0 { now_ms.saturating_add(grace_ms) } else { 0 };
        self.digest = digest;
        start.clone_into(&mut self.start);
    }

    /// Revokes it.
    pub fn revoke(&mut self, now_ms: u64) {
        self.revoked_ms = Some(now_ms);
    }

    /// Revokes it together with all keys of its owner up to that `born`, unless it has ended before.
    pub fn fall(&mut self, epoch: u64) {
        if self.born <= epoch {
            self.revoked_ms.get_or_insert(epoch / 1000);
        }
    }

    /// Changes its data. Used units remain, unless the new rule counts in another way.
    pub fn update(&mut self, patch: &KeyPatch) {
        let KeyPatch { name, scopes, quota, expires_ms, metadata } = patch;
        if let Some(name) = name {
            self.name = Some(name.clone());
        }
        if let Some(scopes) = scopes {
            self.facts.scopes.clone_from(scopes);
        }
        if let Some(rule) = quota {
            if self.facts.rule.is_some_and(|old| !same_kind(&old, rule)) {
                self.quota = QuotaState::default();
            }
            self.facts.rule = Some(*rule);
        }
        if let Some(expires_ms) = expires_ms {
            self.expires_ms = *expires_ms;
        }
        if let Some(metadata) = metadata {
            self.facts.metadata.clone_from(metadata);
        }
    }

    /// The public data of the key.
    #[must_use]
    pub fn info(&self, place: &KeyPlace, epoch: u64, now: Now<'_>) -> KeyInfo {
        KeyInfo {
            place: place.clone(),
            name: self.name.clone(),
            start: self.start.clone(),
            facts: self.facts.clone(),
            created_ms: self.created_ms,
            expires_ms: self.expires_ms,
            last_used_ms: self.last_used_ms,
            revoked: self.is_revoked(epoch),
            quota: self.facts.rule.map(|rule| self.quota.look(&rule, 0, now.us)),
        }
    }

    /// The data of the key for a request.
    #[must_use]
    pub fn facts(&self) -> KeyFacts {
        self.facts.clone()
    }

    /// Drops at most `most` expired answers.
    pub fn expire(&mut self, settled_ms: u64, most: usize) {
        if let Some(answers) = &mut self.answers {
            answers.expire(settled_ms, most, |_, _| ());
            if answers.is_empty() {
                self.answers = None;
            }
        }
    }

    /// For the canonical dump.
    #[must_use]
    pub fn describe(&self) -> String {
        let mut key = self.clone();
        let answers = key.answers.take();
        let mut answers: Vec<_> = answers.iter().flat_map(|all| all.iter()).collect();
        answers.sort_unstable_by_key(|(key, _)| **key);
        format!("{key:?} answers={answers:?}")
    }
}

/// The id of the API key that holds a balance, by the quota's key (docs/layout.md); `None` for every other quota.
#[must_use]
pub fn key_of_balance(quota_key: &str) -> Option<&str> {
    let (_, id) = quota_key.strip_prefix("bk")?.rsplit_once('\0')?;
    Some(id)
}

/// The fault of a key that does not exist, or is no longer listed.
#[must_use]
pub fn unknown_key() -> Fault {
    Fault::input("keyId is not the id of a key that is kept")
}

/// The fault of a top-up without a balance.
#[must_use]
pub fn no_balance() -> Fault {
    Fault::input("addQuota() needs a key whose quota is a 'balance'")
}

fn same_kind(a: &QuotaRule, b: &QuotaRule) -> bool {
    std::mem::discriminant(&a.refill) == std::mem::discriminant(&b.refill)
}

#[cfg(test)]
mod tests {
    use crate::core::base::digest::same;

    #[test]
    fn digests_that_differ_in_any_one_bit_are_not_equal() {
        let digest = std::array::from_fn(|at| u8::try_from(at * 7 % 256).unwrap_or_default());
        assert!(same(&digest, &digest.clone()));
        for bit in 0..8 * digest.len() {
            let mut other = digest;
            other[bit / 8] ^= 1 << (bit % 8);
            assert!(!same(&digest, &other), "bit {bit}");
            assert!(!same(&other, &digest), "bit {bit}");
        }
    }
}
