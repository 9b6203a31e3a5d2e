//! Quotas: their state, charges, refunds and idempotency keys.

pub mod idempotency;
pub mod refunds;
pub mod spend;
pub mod state;
