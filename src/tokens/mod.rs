//! Tokens: keys, verification, signing, and the memory of tokens already verified.
//! Knows nothing of stores: whether a token is revoked is asked elsewhere, every time.

pub mod encoding;
pub mod identity;
pub mod jwt;
pub mod opaque;
pub mod random;
pub mod request;
pub mod strict_json;
