//! Counters, and keys that exactly one caller claims.

pub mod claim;
pub mod counter;
