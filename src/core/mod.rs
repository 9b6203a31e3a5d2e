//! The rules: what a user's record is, what every operation does to it, and what it answers.
//! Knows no store, no token format, no JavaScript; depends on `std` alone.

mod admission;
pub mod bucket;
pub mod clock;
pub mod counter;
mod decide;
mod decision;
mod due_map;
pub mod epoch;
pub mod error;
pub mod family;
pub mod family_op;
pub mod handoff;
pub mod hash;
pub mod idempotency;
pub mod key;
pub mod key_op;
pub mod key_ring;
pub mod lead;
pub mod login;
pub mod once;
pub mod op;
pub mod quota;
pub mod reason;
pub mod record;
pub mod session;
pub mod session_table;
pub mod spending;
pub mod standing;
pub mod store;
pub mod sync;
pub mod tombstones;
pub mod turn;
pub mod turn_state;
