//! Where user records are kept. Knows neither tokens nor JavaScript.

pub mod memory;
pub mod redis;
pub mod registry;
mod shadow;
mod shared_users;
#[cfg(feature = "test-stores")]
pub mod testing;
