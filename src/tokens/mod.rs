//! Tokens: keys, verification, signing, and the cache of verified tokens. This folder does not know the
//! stores: the store is asked for every request whether a token is revoked.

pub mod encoding;
pub mod identity;
pub mod jwt;
pub mod opaque;
pub mod random;
pub mod request;
pub mod strict_json;
