//! Tokens: keys, verification, signing, and the memory of tokens already verified.
//! Knows nothing of stores: whether a token is revoked is asked elsewhere, every time.

pub mod api_key;
pub mod cache;
pub mod claims;
pub mod credential;
pub mod fetched;
pub mod fingerprint;
pub mod identity;
pub mod issue;
pub mod jwk;
pub mod keys;
pub mod quota_key;
pub mod random;
pub mod receipt;
pub mod refresh_token;
pub mod strict_json;
pub mod verify;
