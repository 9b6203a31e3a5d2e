//! A verification key from a secret or a JSON Web Key. Type, size, curve, use and algorithm must fit each
//! other (RFC 7517 §4, RFC 7518 §3 and §6, RFC 8725 §3).

use crate::core::base::error::Fault;
use crate::tokens::encoding::from_base64url;
use aws_lc_rs::signature::{self as crypto, ParsedPublicKey};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;

/// Minimum size of an RSA modulus, in bits (RFC 7518 §3.3).
const MIN_RSA_BITS: usize = 2048;
/// Maximum size of an RSA modulus that the crypto library supports.
const MAX_RSA_BITS: usize = 8192;

/// The members of a JWK that are read.
#[derive(Debug, Deserialize)]
struct Jwk {
    kty: String,
    #[serde(rename = "use")]
    usage: Option<String>,
    key_ops: Option<Vec<String>>,
    alg: Option<String>,
    kid: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
    d: Option<serde_json::Value>,
}

/// A checked key, and the algorithms that its type and its own `alg` allow.
pub struct CheckedKey {
    /// Its `kid`.
    pub kid: Option<String>,
    /// The key for the verifiers.
    pub key: DecodingKey,
    /// The algorithms that the key may be used with.
    pub algorithms: Vec<Algorithm>,
    /// The public key material. Equal for equal public keys.
    pub material: Vec<u8>,
}

/// The supported algorithms, by name.
pub const ALGORITHMS: [(&str, Algorithm); 12] = [
    ("HS256", Algorithm::HS256),
    ("HS384", Algorithm::HS384),
    ("HS512", Algorithm::HS512),
    ("RS256", Algorithm::RS256),
    ("RS384", Algorithm::RS384),
    ("RS512", Algorithm::RS512),
    ("PS256", Algorithm::PS256),
    ("PS384", Algorithm::PS384),
    ("PS512", Algorithm::PS512),
    ("ES256", Algorithm::ES256),
    ("ES384", Algorithm::ES384),
    ("EdDSA", Algorithm::EdDSA),
];

/// Returns the algorithm with that name. Names are case-sensitive (RFC 7515 §4.1.1).
#[must_use]
pub fn algorithm(name: &str) -> Option<Algorithm> {
    ALGORITHMS.iter().find(|(known, _)| *known == name).map(|(_, algorithm)| *algorithm)
}

/// Returns the name of an algorithm.
#[must_use]
pub fn algorithm_name(algorithm: Algorithm) -> &'static str {
    ALGORITHMS.iter().find(|(_, known)| *known == algorithm).map_or("", |(name, _)| name)
}

/// Checks an HMAC secret. It must be as long as the hash (RFC 7518 §3.2). A PEM or a JWK is refused: it is a
/// public key in the wrong option, and everybody who knows it could sign.
///
/// # Errors
/// `ERR_LATCHGATE_CONFIG`, naming `label`.
pub fn from_secret(label: &str, secret: &[u8]) -> Result<CheckedKey, Fault> {
    let text = String::from_utf8_lossy(secret);
    let text = text.trim_start_matches('\u{feff}').trim_start();
    if text.starts_with("-----BEGIN") {
        return Err(Fault::config(format!(
            "{label} holds a PEM key, not a secret: give it as jwt.publicKey or jwt.privateKey"
        )));
    }
    if serde_json::from_str::<serde_json::Value>(text).is_ok_and(|v| v.get("kty").is_some()) {
        return Err(Fault::config(format!(
            "{label} holds a JSON Web Key, not a secret: give it as jwt.publicKey or in jwt.jwks"
        )));
    }
    let algorithms: Vec<_> =
        [(32, Algorithm::HS256), (48, Algorithm::HS384), (64, Algorithm::HS512)]
            .into_iter()
            .filter(|(bytes, _)| secret.len() >= *bytes)
            .map(|(_, algorithm)| algorithm)
            .collect();
    if algorithms.is_empty() {
        return Err(Fault::config(format!(
            "{label} has {} bytes: HS256 needs at least 32, HS384 48, HS512 64 (for example \
             crypto.randomBytes(32).toString('base64'))",
            secret.len()
        )));
    }
    Ok(CheckedKey {
        kid: None,
        key: DecodingKey::from_secret(secret),
        algorithms,
        material: secret.to_vec(),
    })
}

/// Checks a public JWK. `Ok(None)`: the key is well-formed, but does not verify signatures with a supported
/// algorithm. Key sets of identity providers contain such keys too.
///
/// # Errors
/// `ERR_LATCHGATE_CONFIG`, naming `label`.
pub fn from_jwk(label: &str, json: &str) -> Result<Option<CheckedKey>, Fault> {
    let bad = |what: &str| Fault::config(format!("{label}: {what}"));
    let jwk: Jwk =
        serde_json::from_str(json).map_err(|_| bad("is not a JSON Web Key (RFC 7517)"))?;
    if jwk.kty == "oct" {
        return Err(bad(
            "is a symmetric key: a shared secret goes into jwt.secret, never into a key set",
        ));
    }
    if jwk.d.is_some() {
        return Err(bad(
            "is a private key: give its public half here, and the private one as jwt.privateKey",
        ));
    }
    let usable = jwk.usage.as_deref().is_none_or(|usage| usage == "sig")
        && jwk.key_ops.as_ref().is_none_or(|ops| ops.iter().any(|op| op == "verify"));
    if !usable {
        return Ok(None);
    }
    let material = match (jwk.kty.as_str(), jwk.crv.as_deref()) {
        ("RSA", _) => rsa_material(&jwk, bad)?,
        ("EC", Some(crv @ ("P-256" | "P-384"))) => ec_material(&jwk, crv, bad)?,
        ("OKP", Some("Ed25519")) => ed25519_material(&jwk, bad)?,
        _ => return Ok(None),
    };
    let Material { key, family, bytes } = material;
    let algorithms: Vec<_> = family
        .iter()
        .filter(|(name, _)| jwk.alg.as_deref().is_none_or(|alg| alg == *name))
        .map(|(_, algorithm)| *algorithm)
        .collect();
    if algorithms.is_empty() {
        // A set may contain keys for unsupported algorithms. A key that contradicts itself is a mistake.
        if jwk.alg.as_deref().is_some_and(|alg| algorithm(alg).is_some()) {
            return Err(bad("has an 'alg' that does not fit its key type or curve"));
        }
        return Ok(None);
    }
    Ok(Some(CheckedKey { kid: jwk.kid, key, algorithms, material: bytes }))
}

/// The checked key material of a JWK.
struct Material {
    key: DecodingKey,
    /// The algorithms that the key type and its curve allow.
    family: &'static [(&'static str, Algorithm)],
    /// Equal for equal public keys.
    bytes: Vec<u8>,
}

fn decode(
    name: &str,
    member: Option<&String>,
    bad: impl Fn(&str) -> Fault,
) -> Result<Vec<u8>, Fault> {
    let text = member.ok_or_else(|| bad(&format!("has no member '{name}'")))?;
    from_base64url(text).ok_or_else(|| bad(&format!("member '{name}' is not base64url")))
}

fn rsa_material(jwk: &Jwk, bad: impl Fn(&str) -> Fault) -> Result<Material, Fault> {
    let n = unpadded(decode("n", jwk.n.as_ref(), &bad)?);
    let e = unpadded(decode("e", jwk.e.as_ref(), &bad)?);
    let bits = bit_length(&n);
    if !(MIN_RSA_BITS..=MAX_RSA_BITS).contains(&bits) {
        return Err(bad(&format!(
            "is an RSA key of {bits} bits: {MIN_RSA_BITS} to {MAX_RSA_BITS} are accepted"
        )));
    }
    let odd = e.last().is_some_and(|last| last % 2 == 1) && bit_length(&e) > 1;
    if !odd {
        return Err(bad("has an RSA exponent that is even, or 1"));
    }
    let key = DecodingKey::from_rsa_raw_components(&n, &e);
    Ok(Material { key, family: &ALGORITHMS[3..9], bytes: [n, e].concat() })
}

fn ec_material(jwk: &Jwk, crv: &str, bad: impl Fn(&str) -> Fault) -> Result<Material, Fault> {
    let (x, y) = (decode("x", jwk.x.as_ref(), &bad)?, decode("y", jwk.y.as_ref(), &bad)?);
    let point = [&[4][..], &x, &y].concat();
    let (bytes, at, parsed) = if crv == "P-256" {
        (32, 9, ParsedPublicKey::new(&crypto::ECDSA_P256_SHA256_FIXED, &point))
    } else {
        (48, 10, ParsedPublicKey::new(&crypto::ECDSA_P384_SHA384_FIXED, &point))
    };
    if x.len() != bytes || y.len() != bytes || parsed.is_err() {
        return Err(bad(&format!("is not a point on {crv}")));
    }
    let key = DecodingKey::from_ec_der(&point);
    Ok(Material { key, family: &ALGORITHMS[at..=at], bytes: point })
}

fn ed25519_material(jwk: &Jwk, bad: impl Fn(&str) -> Fault) -> Result<Material, Fault> {
    let x = decode("x", jwk.x.as_ref(), &bad)?;
    if x.len() != 32 || ParsedPublicKey::new(&crypto::ED25519, &x).is_err() {
        return Err(bad("is not a key on Ed25519"));
    }
    Ok(Material { key: DecodingKey::from_ed_der(&x), family: &ALGORITHMS[11..], bytes: x })
}

/// Removes leading zeros. Some writers keep them, and the crypto library refuses them.
fn unpadded(big_endian: Vec<u8>) -> Vec<u8> {
    big_endian.into_iter().skip_while(|byte| *byte == 0).collect()
}

fn bit_length(big_endian: &[u8]) -> usize {
    big_endian.first().map_or(0, |first| big_endian.len() * 8 - first.leading_zeros() as usize)
}
