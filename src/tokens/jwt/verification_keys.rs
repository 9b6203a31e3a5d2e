//! The keys that tokens are verified with: each with its own algorithms, and chosen by `kid`.

use super::claims::Signer;
use super::jwk;
use super::jwk::CheckedKey;
use crate::core::base::error::Fault;
use jsonwebtoken::crypto::{CryptoProvider, JwtVerifier, aws_lc};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use std::sync::OnceLock;

/// Where a key comes from, for messages, and what it is.
pub struct KeySource {
    /// The option that holds it.
    pub label: String,
    /// What it is.
    pub material: KeyMaterial,
}

/// A key as it is configured.
pub enum KeyMaterial {
    /// An HMAC secret.
    Secret(Vec<u8>),
    /// A public JWK, as JSON.
    Jwk(String),
}

/// What is configured.
pub struct KeyOptions {
    /// Verification keys.
    pub keys: Vec<KeySource>,
    /// The public half of the key that we sign with, where there is one.
    pub own: Option<KeySource>,
    /// The keys are a set: a token's `kid` must name one of them.
    pub is_set: bool,
    /// Allowed algorithms; `None`: what each key's type allows.
    pub algorithms: Option<Vec<String>>,
}

/// One key, ready.
pub(crate) struct Key {
    pub(crate) kid: Option<String>,
    pub(crate) material: Vec<u8>,
    pub(crate) verifiers: Vec<(Algorithm, Box<dyn JwtVerifier>)>,
}

/// All keys, ready.
pub struct KeySet {
    pub(crate) keys: Vec<Key>,
    pub(crate) own: Option<usize>,
    pub(crate) is_set: bool,
    pub(crate) allowed: Option<Vec<Algorithm>>,
    pub(crate) is_fetched: bool,
    /// What was fetched may be out of date, so that a key unknown here may exist.
    pub(crate) doubtful: bool,
}

/// A key chosen for a token: an index into the set, and the algorithm's place with that key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    key: usize,
    verifier: usize,
}

/// Why no key fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoKey {
    /// Not the algorithm of the key that would be meant.
    Algorithm,
    /// No key of that id, or several that could be meant.
    Key,
    /// None here, where the set may be out of date.
    Unknown,
}

/// Makes the crypto library ready, once a process, and sees that it works.
///
/// # Errors
/// `ERR_LATCHGATE_CONFIG` where the self-test fails.
pub fn provider() -> Result<&'static CryptoProvider, Fault> {
    static TESTED: OnceLock<bool> = OnceLock::new();
    let works = *TESTED.get_or_init(|| {
        // Refused where another copy of this addon's code has installed it already: it is the same one.
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

/// RFC 7515 A.1: the known signature verifies, and one with a bit flipped does not.
fn self_test(provider: &CryptoProvider) -> bool {
    const KEY: &str =
        "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
    const INPUT: &[u8] = b"eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAi\
        OjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    const SIGNATURE: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    let (Some(key), Some(mut signature)) = (
        crate::tokens::jwt::verify::from_base64url(KEY),
        crate::tokens::jwt::verify::from_base64url(SIGNATURE),
    ) else {
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

impl KeySet {
    /// Checks and prepares the keys.
    ///
    /// # Errors
    /// `ERR_LATCHGATE_CONFIG`, naming the option that is wrong and the cure.
    pub fn new(options: KeyOptions) -> Result<Self, Fault> {
        let provider = provider()?;
        let allowed = options.algorithms.as_deref().map(check_algorithms).transpose()?;
        let mut set = Self {
            keys: Vec::new(),
            own: None,
            is_set: options.is_set,
            allowed,
            is_fetched: false,
            doubtful: false,
        };
        let mut offered = Vec::new();
        for source in options.keys {
            if let Some(key) = check(&source)? {
                offered.extend_from_slice(&key.algorithms);
                set.add(key, provider)?;
            }
        }
        if let Some(source) = options.own {
            let key = check(&source)?.ok_or_else(|| unusable(&source.label))?;
            offered.extend_from_slice(&key.algorithms);
            let known = set.keys.iter().position(|other| other.material == key.material);
            let own = match known {
                Some(index) => index,
                None => set.add(key, provider)?,
            };
            set.own = Some(own);
        }
        if let Some(useless) = set.allowed.iter().flatten().find(|a| !offered.contains(a)) {
            return Err(Fault::config(format!(
                "jwt.algorithms names {}, which no configured key can be used with",
                jwk::algorithm_name(*useless)
            )));
        }
        if set.keys.is_empty() {
            return Err(Fault::config(
                "jwt holds no key that verifies signatures with an algorithm offered here",
            ));
        }
        Ok(set)
    }

    pub(crate) fn add(
        &mut self,
        key: CheckedKey,
        provider: &CryptoProvider,
    ) -> Result<usize, Fault> {
        let mut verifiers = Vec::new();
        for algorithm in key.algorithms {
            if self.allowed.as_ref().is_none_or(|allowed| allowed.contains(&algorithm)) {
                let verifier = (provider.verifier_factory)(&algorithm, &key.key)
                    .map_err(|_| Fault::config("jwt: the crypto library refuses the key"))?;
                verifiers.push((algorithm, verifier));
            }
        }
        self.keys.push(Key { kid: key.kid, material: key.material, verifiers });
        Ok(self.keys.len() - 1)
    }

    /// The key for a token's `alg` and `kid`. A single key is meant whatever the `kid` says; in a set
    /// the `kid` decides, and without one the key must be the only one for the algorithm.
    ///
    /// # Errors
    /// Why none fits.
    pub fn choose(&self, algorithm: &str, kid: Option<&str>) -> Result<Choice, NoKey> {
        match self.find(algorithm, kid) {
            // Whatever is fetched, no key will fit.
            Err(NoKey::Key) if self.is_fetched && !self.may_come(algorithm) => {
                Err(NoKey::Algorithm)
            }
            choice if !self.doubtful => choice,
            Err(NoKey::Algorithm) if !self.may_come(algorithm) => Err(NoKey::Algorithm),
            // With no key but our own, a token that names none may well be another's.
            Ok(choice) if kid.is_none() && self.own == Some(choice.key) => Err(NoKey::Unknown),
            Err(NoKey::Key) => Err(NoKey::Unknown),
            Err(NoKey::Algorithm) if kid.is_none() => Err(NoKey::Unknown),
            choice => choice,
        }
    }

    /// Whether a set that is fetched could bring a key for it.
    fn may_come(&self, algorithm: &str) -> bool {
        jwk::algorithm(algorithm).is_some_and(|algorithm| {
            let allowed = self.allowed.as_ref();
            !is_symmetric(algorithm) && allowed.is_none_or(|allowed| allowed.contains(&algorithm))
        })
    }

    fn find(&self, algorithm: &str, kid: Option<&str>) -> Result<Choice, NoKey> {
        let named = self
            .keys
            .iter()
            .enumerate()
            .filter(|(_, key)| !self.is_set || kid.is_none() || key.kid.as_deref() == kid);
        let mut any = false;
        let mut choice = None;
        for (index, key) in named {
            any = true;
            let fits = key.verifiers.iter().position(|(a, _)| jwk::algorithm_name(*a) == algorithm);
            if let Some(verifier) = fits {
                if choice.is_some() {
                    return Err(NoKey::Key);
                }
                choice = Some(Choice { key: index, verifier });
            }
        }
        choice.ok_or(if any { NoKey::Algorithm } else { NoKey::Key })
    }

    /// Whether the signature is that key's.
    #[must_use]
    pub fn verify(&self, choice: Choice, input: &[u8], signature: &Vec<u8>) -> bool {
        self.keys[choice.key].verifiers[choice.verifier].1.verify(input, signature).is_ok()
    }

    /// Whose key it is.
    #[must_use]
    pub fn signer(&self, choice: Choice) -> Signer {
        match self.own {
            Some(own) if own == choice.key => Signer::Own,
            Some(_) => Signer::Foreign,
            None => Signer::Unknown,
        }
    }

    /// The `kid` and algorithms of the key that we sign with.
    #[must_use]
    pub fn own(&self) -> Option<(Option<&str>, Vec<Algorithm>)> {
        let key = &self.keys[self.own?];
        let kid = key.kid.as_deref().filter(|_| self.is_set);
        Some((kid, key.verifiers.iter().map(|(algorithm, _)| *algorithm).collect()))
    }
}

pub(crate) fn unusable(label: &str) -> Fault {
    Fault::config(format!("{label}: is not a key for one of the algorithms offered"))
}

pub(crate) fn is_symmetric(algorithm: Algorithm) -> bool {
    matches!(algorithm, Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512)
}

pub(crate) fn check(source: &KeySource) -> Result<Option<CheckedKey>, Fault> {
    match &source.material {
        KeyMaterial::Secret(secret) => jwk::from_secret(&source.label, secret).map(Some),
        KeyMaterial::Jwk(json) => jwk::from_jwk(&source.label, json),
    }
}

/// Known names, none of them `none`, and never symmetric beside asymmetric ones (RFC 8725 §2.1).
pub(crate) fn check_algorithms(names: &[String]) -> Result<Vec<Algorithm>, Fault> {
    let mut algorithms = Vec::new();
    for name in names {
        let Some(algorithm) = jwk::algorithm(name) else {
            let known: Vec<_> = jwk::ALGORITHMS.iter().map(|(name, _)| *name).collect();
            return Err(Fault::config(format!(
                "jwt.algorithms names '{}', which is not one of {}",
                name.escape_debug(),
                known.join(", ")
            )));
        };
        algorithms.push(algorithm);
    }
    if algorithms.is_empty() {
        return Err(Fault::config(
            "jwt.algorithms is empty: leave it out, or name what is allowed",
        ));
    }
    let symmetric = names.iter().filter(|name| name.starts_with("HS")).count();
    if symmetric != 0 && symmetric != names.len() {
        return Err(Fault::config(
            "jwt.algorithms mixes HS* with public-key algorithms: a public key could then pass as a secret",
        ));
    }
    Ok(algorithms)
}

/// What signs: the private key as the crypto library takes it.
pub enum SigningMaterial {
    /// An HMAC secret.
    Secret(Vec<u8>),
    /// A private key: PKCS#1 for RSA, PKCS#8 for the others.
    Der(Vec<u8>),
}

/// The encoding key for an algorithm.
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
