//! Answers of the store as JavaScript objects.

pub(crate) mod api_key;
pub(crate) mod grant;
pub(crate) mod records;
pub(crate) mod result;
pub(crate) mod turn;
