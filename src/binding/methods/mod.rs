//! The methods that JavaScript calls.

pub(crate) mod api_keys;
pub(crate) mod class;
pub(crate) mod counters;
pub(crate) mod exports;
pub(crate) mod logins;
pub(crate) mod quotas;
pub(crate) mod turns;
pub(crate) mod verification_keys;
