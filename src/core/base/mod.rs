//! Building blocks that every rule uses: clock, hash, faults, reasons, and the containers.

pub mod clock;
pub mod digest;
pub mod due_map;
pub mod error;
pub mod handoff;
pub mod hash;
pub mod hash_slot;
pub mod limits;
pub mod owned;
pub mod reason;
pub mod sync;
