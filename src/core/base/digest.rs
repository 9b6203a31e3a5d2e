//! SHA-256 digests of credentials, and their comparison in constant time.

use std::hint::black_box;

/// SHA-256 of a key's text.
pub type Digest = [u8; 32];

/// Whether two digests are equal. The time does not depend on the position of a difference.
#[must_use]
pub fn same(a: &Digest, b: &Digest) -> bool {
    black_box(a.iter().zip(b).fold(0, |differ, (a, b)| differ | (a ^ b))) == 0
}
