//! The rules: the record of a user, the effect of every operation, and its answer.
//! Knows no store, no token format, no JavaScript. Depends on `std` alone.

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
