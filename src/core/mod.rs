//! The rules: what a user's record is, what every operation does to it, and what it answers.
//! Knows no store, no token format, no JavaScript; depends on `std` alone.

pub mod api_key;
pub mod base;
pub mod counter;
pub mod decision;
pub mod family;
pub mod op;
pub mod quota;
pub mod record;
pub mod request;
pub mod revocation;
pub mod script;
pub mod session;
pub mod store;
pub mod turn;
