//! All API keys of one owner, and the epoch up to which they have fallen.

use super::clock::Now;
use super::error::Fault;
use super::hash::IdMap;
use super::key::{ApiKey, Digest, key_of_balance, unknown_key};
use super::key_op::{KeyAnswer, KeyOp, KeyPlace, KeyUsed, NewKey, Use};
use super::reason::{Reason, Reasons};
use super::record::{Aside, UserRecord};

/// The keys.
#[derive(Clone, Debug, Default)]
pub struct KeyRing {
    keys: IdMap<Box<str>, ApiKey>,
    /// The highest `born` of a key.
    last: u64,
    /// Keys born up to here have fallen.
    epoch: u64,
}

impl KeyRing {
    /// Lets every key fall that there is now; one created afterwards stands, in this very microsecond too.
    pub fn revoke_all(&mut self, now_us: u64) {
        self.last = self.last.max(now_us);
        self.epoch = self.last;
        for key in self.keys.values_mut() {
            key.fall(self.epoch);
        }
    }

    fn create(&mut self, new: &NewKey, now: Now<'_>) -> bool {
        if self.key(&new.place.id, now.ms()).is_some() {
            return false;
        }
        self.last = now.us.max(self.last + 1);
        self.keys.insert(new.place.id.as_str().into(), ApiKey::new(new, self.last, now.ms()));
        true
    }

    fn key(&self, id: &str, now_ms: u64) -> Option<&ApiKey> {
        self.keys.get(id).filter(|key| !key.is_gone(self.epoch, now_ms))
    }

    fn key_mut(&mut self, id: &str, now_ms: u64) -> Option<&mut ApiKey> {
        self.keys.get_mut(id).filter(|key| !key.is_gone(self.epoch, now_ms))
    }

    /// Drops what nobody is told of any more, naming it; true where nothing is left.
    pub fn expire(&mut self, settled_ms: u64, mut gone: impl FnMut(&str)) -> bool {
        let epoch = self.epoch;
        self.keys.retain(|id, key| {
            key.expire(settled_ms);
            let stays = !key.is_gone(epoch, settled_ms);
            if !stays {
                gone(id);
            }
            stays
        });
        self.keys.is_empty() && self.last / 1000 <= settled_ms
    }

    /// For the canonical dump.
    #[must_use]
    pub fn describe(&self) -> String {
        let mut keys: Vec<_> = self.keys.iter().map(|(id, key)| (id, key.describe())).collect();
        keys.sort_unstable();
        format!("keys={keys:?} last={} epoch={}", self.last, self.epoch)
    }
}

impl UserRecord {
    /// Decides one operation on the user's keys, and carries it out where it is allowed.
    ///
    /// # Errors
    /// `ERR_LATCHGATE_INPUT` where the question was wrong; nothing was done.
    pub(super) fn api_key(
        &mut self,
        op: &KeyOp<'_>,
        now: Now<'_>,
        tolerance_ms: u64,
        aside: Aside<'_>,
    ) -> Result<KeyAnswer, Fault> {
        let now_ms = now.ms();
        Ok(match op {
            // About no record: the store has no business here.
            KeyOp::Find(_) | KeyOp::Claim { .. } | KeyOp::Point(_) => KeyAnswer::Place(None),
            KeyOp::Create(new) => {
                let created = self.ring_mut().create(new, now);
                if created {
                    self.drop_balances(&new.place.id);
                }
                KeyAnswer::Done(created)
            }
            KeyOp::Use(asked) => {
                KeyAnswer::Used(Box::new(self.use_key(asked, now, tolerance_ms, aside)?))
            }
            KeyOp::Rotate { place, digest, start, grace_ms } => {
                let key = self.standing_key(place, now_ms);
                let done = key.map(|key| key.rotate(*digest, start, *grace_ms, now_ms));
                KeyAnswer::Done(done.is_some())
            }
            KeyOp::Revoke(place) => {
                let key = self.standing_key(place, now_ms);
                KeyAnswer::Done(key.map(|key| key.revoke(now_ms)).is_some())
            }
            KeyOp::Add { place, units, once } => {
                let key = self.kept_key(place, now_ms).ok_or_else(unknown_key)?;
                KeyAnswer::Added(key.add(*units, once.as_ref(), now)?)
            }
            KeyOp::Update { place, patch, .. } => {
                let ring = self.ring.as_mut().ok_or_else(unknown_key)?;
                let epoch = ring.epoch;
                let key = ring.key_mut(&place.id, now_ms).ok_or_else(unknown_key)?;
                key.update(patch);
                // One whose new expiry is long past is told once more.
                KeyAnswer::Infos(vec![key.info(place, epoch, now)])
            }
            KeyOp::Ids { .. } => {
                let keys = self.ring.iter().flat_map(|ring| ring.keys.keys());
                KeyAnswer::Ids(keys.map(|id| id.to_string()).collect())
            }
            KeyOp::Get { owner, ids } => self.key_infos(owner, ids, now),
        })
    }

    fn key_infos(&self, owner: &str, ids: &[String], now: Now<'_>) -> KeyAnswer {
        let info = |id: &String| {
            let ring = self.ring.as_ref()?;
            let place = KeyPlace { id: id.clone(), owner: owner.to_owned() };
            Some(ring.key(id, now.ms())?.info(&place, ring.epoch, now))
        };
        KeyAnswer::Infos(ids.iter().filter_map(info).collect())
    }

    /// Reads first, every reason; only if there is none, acts: both quotas are charged, or neither.
    fn use_key(
        &mut self,
        asked: &Use<'_>,
        now: Now<'_>,
        tolerance_ms: u64,
        aside: Aside<'_>,
    ) -> Result<KeyUsed, Fault> {
        let Use { decide, id, digest, scopes, cost, once, receipt } = asked;
        let mut deny = Reasons::default();
        let (mut own, mut facts, mut other_question) = (None, None, None);
        match self.ring.as_ref().and_then(|ring| Some((ring, ring.key(id, now.ms())?))) {
            None => deny.add(Reason::KeyUnknown),
            Some((ring, key)) => {
                deny = key.standing(digest, scopes, ring.epoch, now.ms());
                if !deny.has(Reason::KeyUnknown) {
                    facts = Some(key.facts());
                    // What denies for another reason is not asked what it was asked before.
                    let stands = deny.first() == Reason::Allowed;
                    let looked = key.look(*cost, once.as_ref().filter(|_| stands), now);
                    own = looked.unwrap_or_else(|fault| {
                        other_question = Some(fault);
                        None
                    });
                }
            }
        }
        if other_question.is_some() || own.is_some_and(|own| !own.allowed) {
            deny.add(Reason::QuotaExhausted);
        }
        let decision = self.decide_beside(decide, deny, now, tolerance_ms, aside)?;
        if let Some(fault) = other_question.filter(|_| decision.reason == Reason::QuotaExhausted) {
            return Err(fault);
        }
        let place = KeyPlace { id: id.to_string(), owner: decide.user.to_string() };
        if decision.reason == Reason::Allowed {
            let key = self.kept_key(&place, now.ms());
            own = key.and_then(|key| key.charge(*cost, once.as_ref(), *receipt, own, now));
        } else if decision.reason != Reason::QuotaExhausted {
            own = None;
        }
        Ok(KeyUsed { decision, place, facts, own })
    }

    /// What stands against a use of a key by this secret, quota aside.
    pub(super) fn key_standing(&self, id: &str, digest: &Digest, now_ms: u64) -> Reasons {
        let mut unknown = Reasons::default();
        unknown.add(Reason::KeyUnknown);
        let Some(ring) = &self.ring else { return unknown };
        ring.key(id, now_ms).map_or(unknown, |key| key.standing(digest, &[], ring.epoch, now_ms))
    }

    /// Drops the balances that a key has held: they go with it.
    pub(super) fn drop_balances(&mut self, id: &str) {
        if let Some(quotas) = &mut self.quotas {
            quotas.retain(|key, _| key_of_balance(key) != Some(id));
        }
    }

    fn kept_key(&mut self, place: &KeyPlace, now_ms: u64) -> Option<&mut ApiKey> {
        self.ring.as_mut()?.key_mut(&place.id, now_ms)
    }

    fn standing_key(&mut self, place: &KeyPlace, now_ms: u64) -> Option<&mut ApiKey> {
        let ring = self.ring.as_mut()?;
        let epoch = ring.epoch;
        ring.key_mut(&place.id, now_ms).filter(|key| !key.is_revoked(epoch))
    }

    pub(super) fn ring_mut(&mut self) -> &mut KeyRing {
        self.ring.get_or_insert_default()
    }
}
