//! Refresh token families and the operations on them.

pub mod family;
pub mod ops;
