//! Quotas: their state, charges, refunds and idempotency keys.

pub mod charge;
pub mod idempotency;
pub mod place;
pub mod refunds;
pub mod spend;
pub mod state;
pub mod table;
