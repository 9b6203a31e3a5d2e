//! API keys: the key, the set of a user's keys, and the operations on them.

pub mod key;
pub mod ops;
pub mod set;
pub mod types;
