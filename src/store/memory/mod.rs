//! The store in the memory of one process.

pub(crate) mod api_key_index;
pub(crate) mod claims;
pub(crate) mod counter_answers;
pub(crate) mod family_index;
pub(crate) mod leads;
pub(crate) mod listeners;
pub(crate) mod quotas;
pub(crate) mod shards;
pub(crate) mod store;
pub(crate) mod turns;
