//! Where API keys lie, in the embedded store: owners by key id, and ids by the hash of an imported key.

use crate::core::api_key::ops::{KeyAnswer, KeyOp, Pointed, Pointing};
use crate::core::api_key::types::{KeyName, KeyPlace, NewKey};
use crate::core::base::clock::Now;
use crate::core::base::digest::Digest;
use dashmap::{DashMap, Entry};
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A claim that is not confirmed lapses after so long, in milliseconds.
pub const CLAIM_MS: u64 = 60_000;

struct Import {
    place: KeyPlace,
    /// `None`: confirmed.
    lapses_ms: Option<u64>,
}

/// The names.
///
/// The lock: every shard of both maps has one, held for one look-up or change. Names are entered and
/// dropped with the owner's record locked; nobody who holds a name asks for a record, or for another name.
#[derive(Default)]
pub struct ApiKeyIndex {
    owners: DashMap<Box<str>, Owner, ahash::RandomState>,
    imports: DashMap<Digest, Import, ahash::RandomState>,
    /// Claims, the oldest first. Held for itself.
    claims: Mutex<VecDeque<(u64, Digest)>>,
}

struct Owner {
    user: Box<str>,
    /// Of an imported key.
    digest: Option<Digest>,
}

impl ApiKeyIndex {
    /// Carries out one of the acts that are about no record.
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
                            // Of one under way nobody may conclude that its key is gone: it may be to come.
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
            KeyOp::Point(Pointing { digest, place, what }) => {
                let import = self.imports.get_mut(digest);
                let ours = import.filter(|i| i.stands(now.ms()) && i.place == *place);
                let told = ours.map(|mut import| {
                    // It goes when the key is dropped: of nothing else it need be told.
                    if let Pointed::Created { .. } = what {
                        import.lapses_ms = None;
                    }
                });
                KeyAnswer::Done(told.is_some())
            }
            _ => KeyAnswer::Done(false),
        }
    }

    /// A key was created.
    pub fn enter(&self, new: &NewKey) {
        let owner = Owner {
            user: new.place.owner.as_str().into(),
            digest: new.imported.then_some(new.digest),
        };
        self.owners.insert(new.place.id.as_str().into(), owner);
    }

    /// A key of this owner is no longer kept. One that was imported again, for another owner, has the same id and stays.
    pub fn drop_key(&self, id: &str, owner: &str) {
        let gone = self.owners.remove_if(id, |_, holder| &*holder.user == owner);
        if let Some((_, Owner { digest: Some(digest), .. })) = gone {
            self.imports.remove_if(&digest, |_, held| {
                held.lapses_ms.is_none() && held.place.id == id && held.place.owner == owner
            });
        }
    }

    /// Drops claims that have lapsed.
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

    /// For the canonical dump: a line for each name.
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
