//! The index of API keys in the embedded store: owners by key id, and ids by the hash of an imported key.

use crate::core::api_key::ops::{IndexUpdate, KeyAnswer, KeyChange, KeyOp};
use crate::core::api_key::types::{KeyName, KeyPlace, NewKey};
use crate::core::base::clock::Now;
use crate::core::base::digest::Digest;
use crate::core::base::limits::IMPORT_CLAIM_MS;
use dashmap::{DashMap, Entry};
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Lifetime of an unconfirmed claim, in milliseconds.
pub const CLAIM_MS: u64 = IMPORT_CLAIM_MS;

struct Import {
    place: KeyPlace,
    /// The expiry of an unconfirmed claim. `None`: the claim is confirmed.
    lapses_ms: Option<u64>,
}

/// The index.
///
/// Locks: every shard of both maps has a lock, held for one look-up or one change. The holder of the owner's
/// record enters and drops names. A holder of a name's lock never requests a record, or another name.
#[derive(Default)]
pub struct ApiKeyIndex {
    owners: DashMap<Box<str>, Owner, ahash::RandomState>,
    imports: DashMap<Digest, Import, ahash::RandomState>,
    /// Claims, the oldest first. No other lock is requested while it is held.
    claims: Mutex<VecDeque<(u64, Digest)>>,
}

struct Owner {
    user: Box<str>,
    /// The hash of an imported key.
    digest: Option<Digest>,
}

impl ApiKeyIndex {
    /// Runs an operation that concerns no record.
    pub fn answer(&self, op: &KeyOp<'_>, now: Now<'_>) -> KeyAnswer {
        match op {
            KeyOp::Find(KeyName::Id(id)) => {
                let owner = self.owners.get(id.as_str()).map(|owner| owner.user.to_string());
                KeyAnswer::Place(owner.map(|owner| KeyPlace { id: id.clone(), owner }))
            }
            KeyOp::Find(KeyName::Import(digest)) => {
                let found = self.imports.get(digest).filter(|import| import.stands(now.ms()));
                KeyAnswer::Place(found.map(|import| import.place.clone()))
            }
            KeyOp::Claim { digest, place, over } => {
                let lapses_ms = now.ms().saturating_add(CLAIM_MS);
                let import = Import { place: place.clone(), lapses_ms: Some(lapses_ms) };
                self.claims().push_back((lapses_ms, *digest));
                match self.imports.entry(*digest) {
                    Entry::Vacant(entry) => {
                        entry.insert(import);
                        KeyAnswer::Place(None)
                    }
                    Entry::Occupied(mut entry) => {
                        let held = entry.get();
                        let replaced =
                            held.lapses_ms.is_none() && Some(&held.place) == over.as_ref();
                        if held.stands(now.ms()) && !replaced {
                            // The other import may still create its key, so the caller must not conclude that
                            // the key is missing.
                            return match held.lapses_ms {
                                None => KeyAnswer::Place(Some(held.place.clone())),
                                Some(_) => KeyAnswer::Done(false),
                            };
                        }
                        entry.insert(import);
                        KeyAnswer::Place(None)
                    }
                }
            }
            KeyOp::UpdateIndex(IndexUpdate { digest, place, what }) => {
                let import = self.imports.get_mut(digest);
                let ours = import.filter(|i| i.stands(now.ms()) && i.place == *place);
                let told = ours.map(|mut import| {
                    // The index keeps no other state of a key. Dropping the key removes the entry.
                    if let KeyChange::Created { .. } = what {
                        import.lapses_ms = None;
                    }
                });
                KeyAnswer::Done(told.is_some())
            }
            _ => KeyAnswer::Done(false),
        }
    }

    /// Enters a new key.
    pub fn enter(&self, new: &NewKey) {
        let owner = Owner {
            user: new.place.owner.as_str().into(),
            digest: new.imported.then_some(new.digest),
        };
        self.owners.insert(new.place.id.as_str().into(), owner);
    }

    /// Removes a key of this owner. A key that was imported again for another owner has the same id, and
    /// stays.
    pub fn drop_key(&self, id: &str, owner: &str) {
        let gone = self.owners.remove_if(id, |_, holder| &*holder.user == owner);
        if let Some((_, Owner { digest: Some(digest), .. })) = gone {
            self.imports.remove_if(&digest, |_, held| {
                held.lapses_ms.is_none() && held.place.id == id && held.place.owner == owner
            });
        }
    }

    /// Drops expired claims.
    pub fn sweep(&self, settled_ms: u64) {
        loop {
            let mut claims = self.claims();
            let Some((_, digest)) = claims.front().copied().filter(|(at, _)| *at <= settled_ms)
            else {
                return;
            };
            claims.pop_front();
            drop(claims);
            self.imports.remove_if(&digest, |_, held| !held.stands(settled_ms));
        }
    }

    fn claims(&self) -> MutexGuard<'_, VecDeque<(u64, Digest)>> {
        self.claims.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns a line for each name, for the canonical dump.
    pub fn describe(&self, now: Now<'_>) -> Vec<String> {
        let owners = self.owners.iter().map(|o| format!("key {:?} {:?}\n", o.key(), o.user));
        let imports = self.imports.iter().filter(|import| import.stands(now.settled_ms()));
        let imports =
            imports.map(|import| format!("import {:?} {:?}\n", import.key(), import.place));
        owners.chain(imports).collect()
    }
}

impl Import {
    fn stands(&self, now_ms: u64) -> bool {
        self.lapses_ms.is_none_or(|at| at > now_ms)
    }
}
