//! The index of refresh families in the embedded store: users by family.

use crate::core::base::hash_slot::bucket;
use crate::core::family::ops::FamilyId;
use dashmap::DashMap;

/// Users by family. The user of a family never changes.
///
/// Lock: the lock of the family's shard, held for one look-up or one change. The holder of the user's record
/// enters and drops names. A holder of a name's lock never requests a record.
#[derive(Default)]
pub struct FamilyIndex(DashMap<FamilyId, Box<str>, ahash::RandomState>);

impl FamilyIndex {
    /// Enters a new family.
    pub fn enter(&self, family: FamilyId, user: &str) {
        self.0.insert(family, user.into());
    }

    /// Removes a family.
    pub fn drop_family(&self, family: &FamilyId) {
        self.0.remove(family);
    }

    /// Returns the user of a family, if the user is in this bucket.
    pub fn find(&self, in_bucket: u16, family: &FamilyId) -> Option<Box<str>> {
        let user = self.0.get(family).filter(|user| bucket(user) == in_bucket);
        user.map(|user| user.clone())
    }

    /// Returns a line for each name, for the canonical dump.
    pub fn describe(&self) -> Vec<String> {
        self.0.iter().map(|name| format!("family {:?} {:?}\n", name.key(), name.value())).collect()
    }
}
