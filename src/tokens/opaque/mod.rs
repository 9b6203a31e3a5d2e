//! Opaque credentials: API keys, refresh tokens and quota receipts.

pub mod api_key;
pub mod credential;
pub mod receipt;
pub mod refresh_token;
