//! Answers of the store as JavaScript values.

pub(crate) mod api_key;
pub(crate) mod counter;
pub(crate) mod grant;
pub(crate) mod quota;
pub(crate) mod result;
pub(crate) mod session;
pub(crate) mod store;
pub(crate) mod turn;
pub(crate) mod verdict_record;
pub(crate) mod verification_keys;
