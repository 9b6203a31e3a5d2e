//! Verification of a token: compact form, header, key, signature, claims, in that order. So no part of the
//! content is interpreted before its signature is verified.

use super::cache::TokenCache;
use super::claims;
use super::claims::{Purpose, Rules, Token};
use super::verification_keys::{Choice, Fetched, KeySet, KeySource, NoKey};
use crate::core::base::error::Fault;
use crate::core::base::reason::Reason;
use crate::tokens::encoding::{from_base64url, from_base64url_into, sha256};
use crate::tokens::strict_json;
use crate::tokens::strict_json::Value;
use std::rc::Rc;

/// Maximum length of a token, in bytes. It is below Node's own limit on headers (16 KiB).
pub const MAX_TOKEN: usize = 8192;
/// Maximum size of the cache of verified tokens, in bytes.
const CACHE_BYTES: usize = 16 * 1024 * 1024;

/// Verifies tokens for one Auth.
pub struct Verifier {
    keys: KeySet,
    rules: Rules,
    cache: TokenCache,
    hits: u64,
    misses: u64,
    /// The last header segment, and the key that it chose. Tokens of one issuer usually have the same header.
    header: Option<(Box<str>, Choice)>,
    payload: Vec<u8>,
    signature: Vec<u8>,
}

/// The three segments of a token.
struct Compact<'a> {
    header: &'a str,
    payload: &'a str,
    signature: &'a str,
    signing_input: &'a str,
}

impl Verifier {
    /// Creates a verifier with these keys and rules.
    #[must_use]
    pub fn new(keys: KeySet, rules: Rules) -> Self {
        Self {
            keys,
            rules,
            cache: TokenCache::new(CACHE_BYTES),
            hits: 0,
            misses: 0,
            header: None,
            payload: Vec::new(),
            signature: Vec::new(),
        }
    }

    /// Returns the rules.
    #[must_use]
    pub const fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Returns the keys.
    #[must_use]
    pub const fn keys(&self) -> &KeySet {
        &self.keys
    }

    /// Replaces the fetched keys, as [`KeySet::renew`] does. Clears the cache, unless the keys stay.
    ///
    /// # Errors
    /// The crypto library does not work.
    pub fn renew_keys(&mut self, keys: &[KeySource]) -> Result<Fetched, Fault> {
        let fetched = self.keys.renew(keys)?;
        if fetched.usable > 0 {
            self.forget_tokens();
        }
        Ok(fetched)
    }

    /// Drops the fetched keys, and the tokens that they have verified.
    pub fn forget_keys(&mut self) {
        self.keys.forget();
        self.forget_tokens();
    }

    fn forget_tokens(&mut self) {
        self.cache = TokenCache::new(CACHE_BYTES);
        self.header = None;
    }

    /// See [`KeySet::doubt`].
    pub const fn doubt_keys(&mut self, doubtful: bool) {
        self.keys.doubt(doubtful);
    }

    /// Returns the hits and misses of the cache, and its size in bytes.
    #[must_use]
    pub fn cached(&self) -> (u64, u64, u64) {
        (self.hits, self.misses, self.cache.weight())
    }

    /// Checks signature and claims. It does not check revocation.
    ///
    /// # Errors
    /// The first reason why the token is not valid at `now_ms`.
    pub fn verify(&mut self, text: &str, now_ms: u64) -> Result<Rc<Token>, Reason> {
        if text.len() > MAX_TOKEN {
            return Err(Reason::TokenTooLarge);
        }
        let tolerance_ms = self.rules.tolerance_ms;
        if let Some(token) = self.cache.get(text) {
            self.hits += 1;
            if let Err(reason) = token.stands_at(now_ms, tolerance_ms) {
                // The token can become valid again only if it is not valid yet. Keeping it has no use.
                self.cache.remove(text);
                return Err(reason);
            }
            return Ok(token);
        }
        self.misses += 1;
        let token = self.read(text, Purpose::Accept)?;
        token.stands_at(now_ms, tolerance_ms)?;
        let token = Rc::new(token);
        self.cache.insert(text, &token);
        Ok(token)
    }

    /// Returns the user and the expiry of a token if its signature is valid. For revoking the token and
    /// reporting its state. The token may be expired, not yet valid, or for another audience.
    ///
    /// # Errors
    /// The reason why the token does not show them.
    pub fn identify(&mut self, text: &str) -> Result<Token, Reason> {
        if text.len() > MAX_TOKEN {
            return Err(Reason::TokenTooLarge);
        }
        self.read(text, Purpose::Identify)
    }

    /// Returns the payload of a JWS if one of the keys signed it (RFC 7515 §5.2). The claims are not checked,
    /// and the payload need not be JSON. This is not a decision on a token.
    ///
    /// # Errors
    /// The signature is not valid, or the header is not the header of an access token.
    pub fn payload(&mut self, text: &str) -> Result<&[u8], Reason> {
        if text.len() > MAX_TOKEN {
            return Err(Reason::TokenTooLarge);
        }
        self.open(text)?;
        Ok(&self.payload)
    }

    fn read(&mut self, text: &str, purpose: Purpose) -> Result<Token, Reason> {
        let (compact, choice) = self.open(text)?;
        let json = std::str::from_utf8(&self.payload).map_err(|_| Reason::TokenMalformed)?;
        let members = strict_json::read_object(json).ok_or(Reason::TokenMalformed)?;
        let digest = || sha256(compact.signing_input.as_bytes());
        claims::read(&members, digest, &self.rules, self.keys.signer(choice), purpose)
    }

    /// Checks header, key and signature. Leaves the decoded payload in `payload`.
    fn open<'a>(&mut self, text: &'a str) -> Result<(Compact<'a>, Choice), Reason> {
        let compact = split(text).ok_or(Reason::TokenMalformed)?;
        let choice = match &self.header {
            Some((header, choice)) if **header == *compact.header => *choice,
            _ => {
                let choice = read_header(compact.header, &self.keys)?;
                self.header = Some((compact.header.into(), choice));
                choice
            }
        };
        decode_into(compact.signature, &mut self.signature)?;
        if !self.keys.verify(choice, compact.signing_input.as_bytes(), &self.signature) {
            return Err(Reason::TokenSignature);
        }
        decode_into(compact.payload, &mut self.payload)?;
        Ok((compact, choice))
    }
}

fn split(text: &str) -> Option<Compact<'_>> {
    let (signing_input, signature) = text.rsplit_once('.')?;
    let (header, payload) = signing_input.split_once('.')?;
    let whole = !header.is_empty() && !payload.contains('.');
    whole.then_some(Compact { header, payload, signature, signing_input })
}

fn decode_into(segment: &str, buffer: &mut Vec<u8>) -> Result<(), Reason> {
    from_base64url_into(segment, buffer).ok_or(Reason::TokenMalformed)
}

/// Reads a header (RFC 7515 §4) and chooses the key. `crit` and `b64` announce unsupported extensions and are
/// rejected. `jwk`, `jku` and `x5u` are untrusted hints about the key, and are ignored.
fn read_header(segment: &str, keys: &KeySet) -> Result<Choice, Reason> {
    let bytes = from_base64url(segment).ok_or(Reason::TokenMalformed)?;
    let json = std::str::from_utf8(&bytes).map_err(|_| Reason::TokenMalformed)?;
    let members = strict_json::read_object(json).ok_or(Reason::TokenMalformed)?;
    let mut algorithm = None;
    let mut kid = None;
    for (name, value) in &members {
        match (&**name, value) {
            ("alg", Value::Text(text)) => algorithm = Some(&**text),
            ("alg", _) => return Err(Reason::TokenAlgorithm),
            ("kid", Value::Text(text)) => kid = Some(&**text),
            ("typ", Value::Text(text)) if is_access_token_type(text) => {}
            ("kid" | "typ" | "cty" | "crit" | "b64", _) => return Err(Reason::TokenMalformed),
            _ => {}
        }
    }
    let algorithm = algorithm.ok_or(Reason::TokenAlgorithm)?;
    keys.choose(algorithm, kid).map_err(|why| match why {
        NoKey::Algorithm => Reason::TokenAlgorithm,
        NoKey::Key => Reason::TokenKey,
        NoKey::Unknown => Reason::KeysUnavailable,
    })
}

/// Whether a `typ` allows an access token. A `typ` must not declare another purpose (RFC 8725 §3.11). The
/// comparison ignores case, and the prefix `application/` is optional (RFC 7515 §4.1.9).
fn is_access_token_type(typ: &str) -> bool {
    let prefix = typ.get(..12).filter(|prefix| prefix.eq_ignore_ascii_case("application/"));
    let name = if prefix.is_some() { &typ[12..] } else { typ };
    name.eq_ignore_ascii_case("jwt") || name.eq_ignore_ascii_case("at+jwt")
}
