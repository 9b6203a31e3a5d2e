//! The crypto library: its self-test, and the private keys in its form.

use crate::core::base::error::Fault;
use crate::tokens::encoding::from_base64url;
use jsonwebtoken::crypto::{CryptoProvider, aws_lc};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use std::sync::OnceLock;

/// Prepares the crypto library once per process, and tests it.
///
/// # Errors
/// `ERR_LATCHGATE_CONFIG` if the self-test fails.
pub fn provider() -> Result<&'static CryptoProvider, Fault> {
    static TESTED: OnceLock<bool> = OnceLock::new();
    let works = *TESTED.get_or_init(|| {
        // The library refuses if another copy of this addon has installed the same provider already.
        let _ = aws_lc::DEFAULT_PROVIDER.install_default();
        self_test(&aws_lc::DEFAULT_PROVIDER)
    });
    if works {
        Ok(&aws_lc::DEFAULT_PROVIDER)
    } else {
        Err(Fault::config(
            "the crypto library failed its self-test: the binary does not fit this machine",
        ))
    }
}

/// RFC 7515 A.1: the known signature verifies, and the signature with a flipped bit does not.
fn self_test(provider: &CryptoProvider) -> bool {
    const KEY: &str =
        "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
    const INPUT: &[u8] = b"eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAi\
        OjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    const SIGNATURE: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    let (Some(key), Some(mut signature)) = (from_base64url(KEY), from_base64url(SIGNATURE)) else {
        return false;
    };
    let key = DecodingKey::from_secret(&key);
    let Ok(verifier) = (provider.verifier_factory)(&Algorithm::HS256, &key) else {
        return false;
    };
    let accepts = verifier.verify(INPUT, &signature).is_ok();
    signature[0] ^= 1;
    accepts && verifier.verify(INPUT, &signature).is_err()
}

/// A private key, as the crypto library accepts it.
pub enum SigningMaterial {
    /// An HMAC secret.
    Secret(Vec<u8>),
    /// A private key: PKCS#1 for RSA, PKCS#8 for the others.
    Der(Vec<u8>),
}

/// Returns the encoding key for an algorithm.
#[must_use]
pub fn encoding_key(material: &SigningMaterial, algorithm: Algorithm) -> EncodingKey {
    match (material, algorithm) {
        (SigningMaterial::Secret(secret), _) => EncodingKey::from_secret(secret),
        (SigningMaterial::Der(der), Algorithm::ES256 | Algorithm::ES384) => {
            EncodingKey::from_ec_der(der)
        }
        (SigningMaterial::Der(der), Algorithm::EdDSA) => EncodingKey::from_ed_der(der),
        (SigningMaterial::Der(der), _) => EncodingKey::from_rsa_der(der),
    }
}
