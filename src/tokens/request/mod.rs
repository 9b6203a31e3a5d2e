//! What a request is identified by: quota keys and fingerprints.

pub mod fingerprint;
pub mod quota_key;
