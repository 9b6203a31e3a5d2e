//! Sessions: the live ones, the tombstones of ended ones, and the rules of admission.

pub mod rule;
pub mod session;
pub mod sessions;
pub mod table;
pub mod tombstones;
