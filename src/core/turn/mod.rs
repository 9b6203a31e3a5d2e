//! Turns: fair locks with a fencing token.

pub mod ops;
pub mod state;
