//! All API keys of one owner, and the epoch up to which they are revoked.

use super::key::{ApiKey, unknown_key};
use super::ops::{KeyAnswer, KeyOp};
use crate::core::api_key::types::{KeyPlace, NewKey};
use crate::core::base::clock::Now;
use crate::core::base::digest::Digest;
use crate::core::base::due_map::DueMap;
use crate::core::base::due_map::SLICE;
use crate::core::base::error::Fault;
use crate::core::base::reason::{Reason, Reasons};

/// The keys.
#[derive(Clone, Debug, Default)]
pub struct ApiKeySet {
    keys: DueMap<Box<str>, ApiKey>,
    /// The highest `born` of a key.
    last: u64,
    /// Keys with a `born` of at most this value are revoked.
    epoch: u64,
    /// The position after which keys do not know yet that the epoch revoked them.
    falling: Option<Option<Place>>,
}

/// A position in the order of expiry.
type Place = (u64, Box<str>);

impl ApiKeySet {
    /// Revokes all current keys. A key created afterwards is valid, in this same microsecond too.
    pub fn revoke_all(&mut self, now_us: u64) {
        self.last = self.last.max(now_us);
        self.epoch = self.last;
        self.falling = Some(None);
    }

    /// Marks at most `most` keys as revoked by the epoch, so that they are dropped in time. Until then the epoch decides.
    fn fall(&mut self, most: usize) {
        let Some(from) = self.falling.take() else { return };
        let (page, next) = self.keys.page(from, most);
        let epoch = self.epoch;
        for id in page {
            self.keys.change(&*id, |key| key.fall(epoch));
        }
        self.falling = next.map(Some);
    }

    /// A page of ids. `from`: the position that the previous page returned.
    fn ids(&self, from: &str) -> (Vec<String>, Option<String>) {
        let from = from.split_once(' ').and_then(|(due, id)| Some((due.parse().ok()?, id.into())));
        let (page, next) = self.keys.page(from, SLICE);
        let ids = page.into_iter().map(String::from).collect();
        (ids, next.map(|(due, id)| format!("{due} {id}")))
    }

    /// Decides one operation on the keys, and carries it out if it is allowed. Uses are decided elsewhere, with
    /// the owner's state.
    ///
    /// # Errors
    /// `ERR_LATCHGATE_INPUT` if the question is wrong. Then nothing changed.
    pub fn apply(&mut self, op: &KeyOp<'_>, now: Now<'_>) -> Result<KeyAnswer, Fault> {
        let (now_ms, epoch) = (now.ms(), self.epoch);
        Ok(match op {
            // Not about a record, or decided with the owner's state.
            KeyOp::Find(_) | KeyOp::Claim { .. } | KeyOp::UpdateIndex(_) | KeyOp::Use(_) => {
                KeyAnswer::Place(None)
            }
            KeyOp::Create(new) => KeyAnswer::Done(self.create(new, now)),
            KeyOp::Rotate { place, digest, start, grace_ms } => {
                let rotate = |key: &mut ApiKey| key.rotate(*digest, start, *grace_ms, now_ms);
                KeyAnswer::Done(self.with_valid(&place.id, now_ms, rotate))
            }
            KeyOp::Revoke(place) => {
                KeyAnswer::Done(self.with_valid(&place.id, now_ms, |key| key.revoke(now_ms)))
            }
            KeyOp::Add { place, units, once } => {
                let added = self.with(&place.id, now_ms, |key| key.add(*units, once.as_ref(), now));
                KeyAnswer::Added(added.ok_or_else(unknown_key)??)
            }
            KeyOp::Update { place, patch, .. } => {
                let info = self.with(&place.id, now_ms, |key| {
                    key.update(patch);
                    // Reported again, even if the new expiry is long past.
                    key.info(place, epoch, now)
                });
                KeyAnswer::Infos(vec![info.ok_or_else(unknown_key)?])
            }
            KeyOp::Ids { from, .. } => {
                let (ids, next) = self.ids(from);
                KeyAnswer::Ids { ids, next }
            }
            KeyOp::Get { owner, ids } => self.infos(owner, ids, now),
        })
    }

    fn infos(&self, owner: &str, ids: &[String], now: Now<'_>) -> KeyAnswer {
        let info = |id: &String| {
            let place = KeyPlace { id: id.clone(), owner: owner.to_owned() };
            Some(self.get(id, now.ms())?.info(&place, self.epoch, now))
        };
        KeyAnswer::Infos(ids.iter().filter_map(info).collect())
    }

    fn create(&mut self, new: &NewKey, now: Now<'_>) -> bool {
        if self.get(&new.place.id, now.ms()).is_some() {
            return false;
        }
        self.last = now.us.max(self.last + 1);
        self.keys.insert(new.place.id.as_str().into(), ApiKey::new(new, self.last, now.ms()));
        true
    }

    /// Keys with a `born` of at most this value are revoked.
    #[must_use]
    pub const fn epoch(&self) -> u64 {
        self.epoch
    }

    /// A key that is not gone.
    #[must_use]
    pub fn get(&self, id: &str, now_ms: u64) -> Option<&ApiKey> {
        self.keys.get(id).filter(|key| !key.is_gone(self.epoch, now_ms))
    }

    /// The reasons that deny a use of a key with this secret, quota excluded.
    #[must_use]
    pub fn denial_reasons(&self, id: &str, digest: &Digest, now_ms: u64) -> Reasons {
        let mut unknown = Reasons::default();
        unknown.add(Reason::KeyUnknown);
        let key = self.get(id, now_ms);
        key.map_or(unknown, |key| key.standing(digest, &[], self.epoch, now_ms))
    }

    /// Changes a key that is not gone.
    pub fn with<T>(
        &mut self,
        id: &str,
        now_ms: u64,
        run: impl FnOnce(&mut ApiKey) -> T,
    ) -> Option<T> {
        self.get(id, now_ms)?;
        self.keys.change(id, run)
    }

    /// Changes a key that is not revoked. False if there is none.
    fn with_valid(&mut self, id: &str, now_ms: u64, run: impl FnOnce(&mut ApiKey)) -> bool {
        let epoch = self.epoch;
        let done = self.with(id, now_ms, |key| {
            let valid = !key.is_revoked(epoch);
            if valid {
                run(key);
            }
            valid
        });
        done == Some(true)
    }

    /// Drops at most `most` keys that are no longer listed, and reports each. True if no key is left.
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
