//! The state behind one `auth` object, and its completions.

pub(crate) mod api_key_steps;
pub(crate) mod auth;
pub(crate) mod completions;
pub(crate) mod credentials;
pub(crate) mod decisions;
pub(crate) mod slots;
pub(crate) mod store_client;
pub(crate) mod token_steps;
pub(crate) mod tokens;
