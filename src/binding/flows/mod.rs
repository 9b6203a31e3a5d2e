//! Operations of several steps.

pub(crate) mod api_key;
pub(crate) mod continuation;
pub(crate) mod evicted;
pub(crate) mod pending_refund;
pub(crate) mod policy;
pub(crate) mod receipts;
pub(crate) mod token;
