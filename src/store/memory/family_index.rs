//! Whose refresh families are, in the embedded store.

use crate::core::base::hash_slot::bucket;
use crate::core::family::ops::FamilyId;
use dashmap::DashMap;

/// Users by family, none of which ever changes.
///
/// The lock: that of the family's shard, held for one look-up or change. Names are entered and dropped with the
/// user's record locked; nobody who holds one asks for a record.
#[derive(Default)]
pub struct FamilyIndex(DashMap<FamilyId, Box<str>, ahash::RandomState>);

impl FamilyIndex {
    /// A family was begun.
    pub fn enter(&self, family: FamilyId, user: &str) {
        self.0.insert(family, user.into());
    }

    /// A family is no longer kept.
    pub fn drop_family(&self, family: &FamilyId) {
        self.0.remove(family);
    }

    /// Whose it is, where that is a user of this bucket.
    pub fn find(&self, in_bucket: u16, family: &FamilyId) -> Option<Box<str>> {
        let user = self.0.get(family).filter(|user| bucket(user) == in_bucket);
        user.map(|user| user.clone())
    }

    /// For the canonical dump: a line for each name.
    pub fn describe(&self) -> Vec<String> {
        self.0.iter().map(|name| format!("family {:?} {:?}\n", name.key(), name.value())).collect()
    }
}
