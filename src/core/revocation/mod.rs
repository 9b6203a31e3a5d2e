//! Revocation: epochs, blocks, revoked tokens, and the clock leads of issuers.

pub mod epoch;
pub mod lead;
pub mod validity;
