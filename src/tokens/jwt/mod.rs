//! JSON Web Tokens: keys, claims, verification, the cache of verified tokens, and signing.

pub mod cache;
pub mod claims;
pub mod crypto;
pub mod issue;
pub mod jwk;
pub mod verification_keys;
pub mod verify;
