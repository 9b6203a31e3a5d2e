//! Base64url and SHA-256, in the forms that every kind of token uses.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Encodes bytes as base64url without padding (RFC 7515 §2).
#[must_use]
pub fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Decodes base64url. Strict: no padding, no other characters, no bits left over (RFC 4648 §3.5).
#[must_use]
pub fn from_base64url(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// Decodes base64url as [`from_base64url`] does, into a buffer that it clears first.
#[must_use]
pub fn from_base64url_into(text: &str, buffer: &mut Vec<u8>) -> Option<()> {
    buffer.clear();
    URL_SAFE_NO_PAD.decode_vec(text, buffer).ok()
}

/// Returns the SHA-256 hash of bytes.
#[must_use]
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    hash
}
