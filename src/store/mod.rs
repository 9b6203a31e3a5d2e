//! Stores of user records. They know neither tokens nor JavaScript.

pub mod memory;
mod named;
pub mod redis;
pub mod registry;
pub mod settings;
mod shadow;
mod shared_users;
#[cfg(feature = "test-stores")]
pub mod testing;
