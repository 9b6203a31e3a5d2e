//! Sessions: the live ones, the tombstones of ended ones, and the rules of admission.

pub mod session;
pub mod table;
pub mod tombstones;
