//! The keys that verify tokens: each with its own algorithms, chosen by `kid`.

use super::crypto::provider;
use super::jwk;
use super::jwk::CheckedKey;
use crate::core::base::error::Fault;
use jsonwebtoken::Algorithm;
use jsonwebtoken::crypto::{CryptoProvider, JwtVerifier};

/// A key as it is configured, and its origin for messages.
pub struct KeySource {
    /// The option that contains the key.
    pub label: String,
    /// The key.
    pub material: KeyMaterial,
}

/// A key as it is configured.
pub enum KeyMaterial {
    /// An HMAC secret.
    Secret(Vec<u8>),
    /// A public JWK, as JSON.
    Jwk(String),
}

/// The configuration of the keys.
pub struct KeyOptions {
    /// Verification keys.
    pub keys: Vec<KeySource>,
    /// The public half of the key that this Auth signs with, if it signs.
    pub own: Option<KeySource>,
    /// The keys are a set: a token's `kid` must name one of them.
    pub is_set: bool,
    /// Allowed algorithms. `None`: the algorithms that the type of each key allows.
    pub algorithms: Option<Vec<String>>,
}

/// A key, prepared for verification.
struct Key {
    kid: Option<String>,
    material: Vec<u8>,
    verifiers: Vec<(Algorithm, Box<dyn JwtVerifier>)>,
}

/// All keys, prepared for verification.
pub struct KeySet {
    keys: Vec<Key>,
    own: Option<usize>,
    is_set: bool,
    allowed: Option<Vec<Algorithm>>,
    is_fetched: bool,
    /// The fetched keys may be out of date: an unknown key may exist.
    doubtful: bool,
}

/// A key chosen for a token: its index in the set, and the index of its verifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    key: usize,
    verifier: usize,
}

/// The signer that uses a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signer {
    /// This Auth.
    Own,
    /// Another signer: this Auth signs with another key.
    Foreign,
    /// This Auth does not sign. The application's own login service may use the key.
    Unknown,
}

/// The reason why no key fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoKey {
    /// The key does not fit the algorithm.
    Algorithm,
    /// No key has that id, or several keys fit.
    Key,
    /// No key fits, but the set may be out of date.
    Unknown,
}

/// The result of a fetch of keys.
pub struct Fetched {
    /// Number of fetched keys that can verify tokens.
    pub usable: usize,
    /// The reasons why keys were skipped.
    pub passed_over: Vec<String>,
}

impl KeySet {
    /// Checks and prepares the keys.
    ///
    /// # Errors
    /// `ERR_LATCHGATE_CONFIG`, with the wrong option and the cure.
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

    /// Creates a set whose keys are fetched later. `renew` adds them, and until then an unknown key may exist.
    /// The set always contains the key that this Auth signs with.
    ///
    /// # Errors
    /// `ERR_LATCHGATE_CONFIG`, with the wrong option and the cure.
    pub fn to_be_fetched(
        own: Option<KeySource>,
        algorithms: Option<&[String]>,
    ) -> Result<Self, Fault> {
        let provider = provider()?;
        let allowed = algorithms.map(check_algorithms).transpose()?;
        if let Some(symmetric) = allowed.iter().flatten().find(|a| is_symmetric(**a)) {
            return Err(Fault::config(format!(
                "jwt.algorithms names {}, which no key of jwt.jwksUri can be used with",
                jwk::algorithm_name(*symmetric)
            )));
        }
        let keys = Vec::new();
        let mut set =
            Self { keys, own: None, is_set: true, allowed, is_fetched: true, doubtful: true };
        if let Some(source) = own {
            let key = check(&source)?.ok_or_else(|| unusable(&source.label))?;
            set.own = Some(set.add(key, provider)?);
        }
        Ok(set)
    }

    /// Replaces the fetched keys. An unusable key is skipped: the tokens of the other keys must stay valid. If
    /// no key is usable, the set does not change.
    ///
    /// # Errors
    /// The crypto library does not work.
    pub fn renew(&mut self, keys: &[KeySource]) -> Result<Fetched, Fault> {
        let provider = provider()?;
        let (mut before, own_before) = (std::mem::take(&mut self.keys), self.own);
        self.keys.extend(own_before.map(|own| before.remove(own)));
        let kept = self.keys.len();
        self.own = own_before.map(|_| 0);
        let mut passed_over = Vec::new();
        for source in keys {
            match check(source) {
                Ok(Some(key)) if self.is_rival(&key) => passed_over.push(format!(
                    "{}: has the kid of jwt.privateKey, and is another key",
                    source.label
                )),
                Ok(Some(key)) if self.is_ours(&key) => {}
                Ok(Some(key)) => {
                    if let Err(fault) = self.add(key, provider) {
                        passed_over.push(format!("{}: {}", source.label, fault.message));
                    }
                }
                Ok(None) => {}
                Err(fault) => passed_over.push(fault.message),
            }
        }
        let fetched = &self.keys[kept..];
        let usable = fetched.iter().filter(|key| !key.verifiers.is_empty()).count();
        if usable == 0 {
            if let Some(own) = own_before {
                before.insert(own, self.keys.remove(0));
            }
            (self.keys, self.own) = (before, own_before);
        }
        self.doubtful = usable == 0;
        Ok(Fetched { usable, passed_over })
    }

    /// Drops the fetched keys.
    pub fn forget(&mut self) {
        let own = self.own.map(|own| self.keys.swap_remove(own));
        self.own = own.as_ref().map(|_| 0);
        self.keys = own.into_iter().collect();
        self.doubtful = true;
    }

    /// Sets whether the source of the keys may have a key that is unknown here.
    pub const fn doubt(&mut self, doubtful: bool) {
        self.doubtful = doubtful;
    }

    fn add(&mut self, key: CheckedKey, provider: &CryptoProvider) -> Result<usize, Fault> {
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

    /// Returns the key for the `alg` and the `kid` of a token. A single key ignores the `kid`. In a set, the
    /// `kid` decides. A token without `kid` needs a set in which only one key fits the algorithm.
    ///
    /// # Errors
    /// The reason why no key fits.
    pub fn choose(&self, algorithm: &str, kid: Option<&str>) -> Result<Choice, NoKey> {
        match self.find(algorithm, kid) {
            // No fetched key can fit.
            Err(NoKey::Key) if self.is_fetched && !self.may_come(algorithm) => {
                Err(NoKey::Algorithm)
            }
            choice if !self.doubtful => choice,
            Err(NoKey::Algorithm) if !self.may_come(algorithm) => Err(NoKey::Algorithm),
            // If the only known key is the key of this Auth, a token without `kid` may have another signer.
            Ok(choice) if kid.is_none() && self.own == Some(choice.key) => Err(NoKey::Unknown),
            Err(NoKey::Key) => Err(NoKey::Unknown),
            Err(NoKey::Algorithm) if kid.is_none() => Err(NoKey::Unknown),
            choice => choice,
        }
    }

    /// Whether a fetched set can contain a key for the algorithm.
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

    /// Whether the chosen key made the signature.
    #[must_use]
    pub fn verify(&self, choice: Choice, input: &[u8], signature: &Vec<u8>) -> bool {
        self.keys[choice.key].verifiers[choice.verifier].1.verify(input, signature).is_ok()
    }

    /// Returns the signer that uses the key.
    #[must_use]
    pub fn signer(&self, choice: Choice) -> Signer {
        match self.own {
            Some(own) if own == choice.key => Signer::Own,
            Some(_) => Signer::Foreign,
            None => Signer::Unknown,
        }
    }

    /// Returns the `kid` and the algorithms of the key that this Auth signs with.
    #[must_use]
    pub fn own(&self) -> Option<(Option<&str>, Vec<Algorithm>)> {
        let key = &self.keys[self.own?];
        let kid = key.kid.as_deref().filter(|_| self.is_set);
        Some((kid, key.verifiers.iter().map(|(algorithm, _)| *algorithm).collect()))
    }

    fn is_ours(&self, key: &CheckedKey) -> bool {
        self.own.is_some_and(|own| self.keys[own].kid == key.kid)
    }

    fn is_rival(&self, key: &CheckedKey) -> bool {
        self.is_ours(key) && self.own.is_some_and(|own| self.keys[own].material != key.material)
    }
}

fn unusable(label: &str) -> Fault {
    Fault::config(format!("{label}: is not a key for one of the algorithms offered"))
}

fn is_symmetric(algorithm: Algorithm) -> bool {
    matches!(algorithm, Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512)
}

fn check(source: &KeySource) -> Result<Option<CheckedKey>, Fault> {
    match &source.material {
        KeyMaterial::Secret(secret) => jwk::from_secret(&source.label, secret).map(Some),
        KeyMaterial::Jwk(json) => jwk::from_jwk(&source.label, json),
    }
}

/// Checks names of algorithms. `none` is refused, and so is a mix of symmetric and asymmetric algorithms (RFC
/// 8725 §2.1).
fn check_algorithms(names: &[String]) -> Result<Vec<Algorithm>, Fault> {
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
