//! Where user records are kept. Knows neither tokens nor JavaScript.

mod answers;
mod family_names;
mod key_names;
mod leads;
mod ledger;
mod listeners;
pub mod memory;
mod observed;
mod observing;
mod once_keys;
pub mod redis;
pub mod registry;
mod shards;
mod shared_users;
#[cfg(feature = "test-stores")]
pub mod testing;
mod turns;
