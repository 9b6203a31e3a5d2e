//! The identity of a request: quota keys and fingerprints.

pub mod fingerprint;
pub mod quota_key;
