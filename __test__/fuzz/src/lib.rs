//! What the targets share: values taken from a fuzzer's bytes, and a verifier with a known key.

use latchgate::tokens::jwt::claims::Rules;
use latchgate::tokens::jwt::verification_keys::{KeyMaterial, KeyOptions, KeySet, KeySource};
use latchgate::tokens::jwt::verify::Verifier;

/// The secret of the corpus of forged tokens (__test__/vectors), so that its genuine tokens are genuine here.
pub const SECRET: &[u8] = b"wyA6VhzQz0mT9pLr2sXe8ckJkNf5uGb1d";
/// When tokens are judged.
pub const NOW_MS: u64 = 1_700_000_000_000;
/// Longest `exp - iat` that is accepted.
pub const MAX_AGE_MS: u64 = 40_000 * 86_400_000;
/// Milliseconds by which clocks may differ.
pub const TOLERANCE_MS: u64 = 5_000;

/// A verifier of HS256 tokens; `strict`: of one issuer and audience, with a required claim.
///
/// # Panics
/// Where the crypto library does not work.
#[must_use]
pub fn verifier(strict: bool) -> Verifier {
    let some = |text: &str| if strict { vec![text.to_owned()] } else { vec![] };
    let keys = KeySet::new(KeyOptions {
        keys: vec![KeySource {
            label: "jwt.secret".into(),
            material: KeyMaterial::Secret(SECRET.to_vec()),
        }],
        own: None,
        is_set: false,
        algorithms: Some(vec!["HS256".into()]),
    });
    let rules = Rules {
        issuers: some("https://issuer.test"),
        audiences: some("api"),
        required: some("jti"),
        user_claim: "sub".into(),
        session_claim: "sid".into(),
        tolerance_ms: TOLERANCE_MS,
        max_age_ms: MAX_AGE_MS,
        issuer_lead_ms: None,
    };
    Verifier::new(keys.expect("keys that are sound"), rules)
}

/// Takes values from the front of what a fuzzer offers; where nothing is left they are zero, or empty.
pub struct Feed<'a>(pub &'a [u8]);

impl<'a> Feed<'a> {
    /// One byte.
    pub fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    /// True or false.
    pub fn flag(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    /// So many bytes, or as many as there are.
    pub fn bytes(&mut self, length: usize) -> &'a [u8] {
        let (head, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        head
    }

    /// Exactly so many bytes.
    pub fn array<const N: usize>(&mut self) -> [u8; N] {
        let mut array = [0; N];
        let bytes = self.bytes(N);
        array[..bytes.len()].copy_from_slice(bytes);
        array
    }

    /// A number; large ones are as likely as small ones.
    pub fn number(&mut self) -> u64 {
        let width = usize::from(self.byte() % 9);
        self.bytes(width).iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
    }

    /// A text whose length stands before it, with what is not UTF-8 replaced.
    pub fn text(&mut self) -> String {
        let length = usize::from(self.byte());
        String::from_utf8_lossy(self.bytes(length)).into_owned()
    }

    /// All that is left.
    pub fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.0)
    }
}
