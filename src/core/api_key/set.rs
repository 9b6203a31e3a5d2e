//! All API keys of one owner, and the epoch up to which they have fallen.

use super::key::{ApiKey, Digest, key_of_balance, unknown_key};
use super::ops::{KeyAnswer, KeyOp, KeyPlace, KeyUsed, NewKey, Use};
use crate::core::base::clock::Now;
use crate::core::base::due_map::DueMap;
use crate::core::base::error::Fault;
use crate::core::base::reason::{Reason, Reasons};
use crate::core::record::{Aside, SLICE, UserRecord};

/// The keys.
#[derive(Clone, Debug, Default)]
pub struct KeyRing {
    keys: DueMap<Box<str>, ApiKey>,
    /// The highest `born` of a key.
    last: u64,
    /// Keys born up to here have fallen.
    epoch: u64,
    /// Behind which of the keys the others are still to be told that they have fallen.
    falling: Option<Option<Place>>,
}

/// A place in the order in which keys are dropped.
type Place = (u64, Box<str>);

impl KeyRing {
    /// Lets every key fall that there is now; one created afterwards stands, in this very microsecond too.
    pub fn revoke_all(&mut self, now_us: u64) {
        self.last = self.last.max(now_us);
        self.epoch = self.last;
        self.falling = Some(None);
    }

    /// Tells at most so many of the keys that have fallen with the others, so that they are dropped in time. Until then the
    /// epoch tells.
    fn fall(&mut self, most: usize) {
        let Some(from) = self.falling.take() else { return };
        let (page, next) = self.keys.page(from, most);
        let epoch = self.epoch;
        for id in page {
            self.keys.change(&*id, |key| key.fall(epoch));
        }
        self.falling = next.map(Some);
    }

    /// A page of ids. `from`: the place as it was told with the page before.
    fn ids(&self, from: &str) -> (Vec<String>, Option<String>) {
        let from = from.split_once(' ').and_then(|(due, id)| Some((due.parse().ok()?, id.into())));
        let (page, next) = self.keys.page(from, SLICE);
        let ids = page.into_iter().map(String::from).collect();
        (ids, next.map(|(due, id)| format!("{due} {id}")))
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

    /// Drops what nobody is told of any more, at most so many keys, naming them; true where nothing is left.
    pub fn expire(&mut self, settled_ms: u64, most: usize, mut gone: impl FnMut(&str)) -> bool {
        self.fall(most);
        let mut due = Vec::new();
        self.keys.expire(settled_ms, most, |id, key| due.push((id, key)));
        for (id, mut key) in due {
            key.expire(settled_ms, most);
            if key.is_gone(self.epoch, settled_ms) {
                gone(&id);
            } else {
                self.keys.insert(id, key);
            }
        }
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
    pub(crate) fn api_key(
        &mut self,
        op: &KeyOp<'_>,
        now: Now<'_>,
        most_lead_ms: u64,
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
                KeyAnswer::Used(Box::new(self.use_key(asked, now, most_lead_ms, aside)?))
            }
            KeyOp::Rotate { place, digest, start, grace_ms } => {
                let epoch = self.ring.as_ref().map_or(0, |ring| ring.epoch);
                let done = self.with_key(&place.id, now_ms, |key| {
                    let stands = !key.is_revoked(epoch);
                    if stands {
                        key.rotate(*digest, start, *grace_ms, now_ms);
                    }
                    stands
                });
                KeyAnswer::Done(done == Some(true))
            }
            KeyOp::Revoke(place) => {
                let epoch = self.ring.as_ref().map_or(0, |ring| ring.epoch);
                let done = self.with_key(&place.id, now_ms, |key| {
                    let stands = !key.is_revoked(epoch);
                    if stands {
                        key.revoke(now_ms);
                    }
                    stands
                });
                KeyAnswer::Done(done == Some(true))
            }
            KeyOp::Add { place, units, once } => {
                let added =
                    self.with_key(&place.id, now_ms, |key| key.add(*units, once.as_ref(), now));
                KeyAnswer::Added(added.ok_or_else(unknown_key)??)
            }
            KeyOp::Update { place, patch, .. } => {
                let epoch = self.ring.as_ref().map_or(0, |ring| ring.epoch);
                let info = self.with_key(&place.id, now_ms, |key| {
                    key.update(patch);
                    // One whose new expiry is long past is told once more.
                    key.info(place, epoch, now)
                });
                KeyAnswer::Infos(vec![info.ok_or_else(unknown_key)?])
            }
            KeyOp::Ids { from, .. } => {
                let (ids, next) = self.ring.as_ref().map(|ring| ring.ids(from)).unwrap_or_default();
                KeyAnswer::Ids { ids, next }
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
        most_lead_ms: u64,
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
        let decision = self.decide_beside(decide, deny, now, most_lead_ms, aside)?;
        if let Some(fault) = other_question.filter(|_| decision.reason == Reason::QuotaExhausted) {
            return Err(fault);
        }
        let place = KeyPlace { id: id.to_string(), owner: decide.user.to_string() };
        if decision.reason == Reason::Allowed {
            let charge = |key: &mut ApiKey| key.charge(*cost, once.as_ref(), *receipt, own, now);
            own = self.with_key(id, now.ms(), charge).flatten();
        } else if decision.reason != Reason::QuotaExhausted {
            own = None;
        }
        Ok(KeyUsed { decision, place, facts, own })
    }

    /// What stands against a use of a key by this secret, quota aside.
    pub(crate) fn key_standing(&self, id: &str, digest: &Digest, now_ms: u64) -> Reasons {
        let mut unknown = Reasons::default();
        unknown.add(Reason::KeyUnknown);
        let Some(ring) = &self.ring else { return unknown };
        ring.key(id, now_ms).map_or(unknown, |key| key.standing(digest, &[], ring.epoch, now_ms))
    }

    /// Drops the balances that a key has held: they go with it.
    pub(crate) fn drop_balances(&mut self, id: &str) {
        if let Some(quotas) = &mut self.quotas {
            quotas.remove_where(|key| key_of_balance(key) == Some(id));
        }
    }

    /// Does something to a key that is not gone.
    fn with_key<T>(
        &mut self,
        id: &str,
        now_ms: u64,
        run: impl FnOnce(&mut ApiKey) -> T,
    ) -> Option<T> {
        let ring = self.ring.as_mut()?;
        ring.key(id, now_ms)?;
        ring.keys.change(id, run)
    }

    pub(crate) fn ring_mut(&mut self) -> &mut KeyRing {
        self.ring.get_or_insert_default()
    }
}
