//! Signs our own tokens.

use super::claims;
use super::claims::{Purpose, Rules};
use super::crypto::{SigningMaterial, encoding_key, provider};
use super::verification_keys::Signer;
use super::verify::MAX_TOKEN;
use crate::core::base::error::Fault;
use crate::core::base::limits::MAX_INTEGER;
use crate::tokens::encoding::{base64url, sha256};
use crate::tokens::random::random;
use crate::tokens::strict_json;
use jsonwebtoken::Algorithm;
use jsonwebtoken::crypto::JwtSigner;
use std::fmt::Write as _;

/// The content of a token to sign.
#[derive(Clone, Debug)]
pub struct Request {
    /// The user id.
    pub user: String,
    /// The session id.
    pub session: Option<String>,
    /// Further claims: the text of a JSON object.
    pub claims: Option<String>,
    /// Scopes, separated by spaces.
    pub scope: Option<String>,
    /// The lifetime, in milliseconds.
    pub ttl_ms: u64,
    /// The token comes from a login, so its session is always checked.
    pub login: bool,
}

/// The largest generation.
const MAX_GENERATION: u64 = MAX_INTEGER;

/// Signs tokens for one Auth.
pub struct Issuer {
    signer: Box<dyn JwtSigner>,
    /// The header segment and its dot.
    header: String,
    /// Length of a signature, in characters.
    signature: usize,
}

/// Returns `iat` in milliseconds: whole seconds, as every reader expects. A lifetime under a minute, or with a
/// fraction of a second, keeps the milliseconds: rounding would shorten it too much.
const fn issued_ms(ttl_ms: u64, now_ms: u64) -> u64 {
    if ttl_ms.is_multiple_of(1000) && ttl_ms >= 60_000 { now_ms / 1000 * 1000 } else { now_ms }
}

/// Returns `exp` in milliseconds for a token with this lifetime that is issued now.
#[must_use]
pub const fn expires_ms(ttl_ms: u64, now_ms: u64) -> u64 {
    issued_ms(ttl_ms, now_ms).saturating_add(ttl_ms)
}

/// Returns 128 random bits as base64url, for ids of tokens and of sessions.
///
/// # Errors
/// `ERR_LATCHGATE_STORE_UNAVAILABLE` if the system returns no random bytes.
pub fn random_id() -> Result<String, Fault> {
    Ok(base64url(&random::<16>()?))
}

impl Issuer {
    /// Creates an issuer with this key.
    ///
    /// # Errors
    /// `ERR_LATCHGATE_CONFIG` if the key does not sign.
    pub fn new(
        material: &SigningMaterial,
        algorithm: Algorithm,
        kid: Option<&str>,
    ) -> Result<Self, Fault> {
        let refused = || Fault::config("jwt.privateKey: the crypto library refuses the key");
        let key = encoding_key(material, algorithm);
        let signer = (provider()?.signer_factory)(&algorithm, &key).map_err(|_| refused())?;
        // The library checks an RSA key only when it signs. So the first signature is made here, not at the
        // first login.
        let signature = signer.try_sign(b"latchgate").map_err(|_| refused())?;
        let signature = base64url(&signature).len();
        let name = crate::tokens::jwt::jwk::algorithm_name(algorithm);
        let mut header = format!(r#"{{"alg":"{name}","typ":"JWT""#);
        if let Some(kid) = kid {
            let _ = write!(header, r#","kid":{}"#, quoted(kid));
        }
        header.push('}');
        Ok(Self { signer, header: base64url(header.as_bytes()) + ".", signature })
    }

    /// Signs a token with its generation.
    ///
    /// # Errors
    /// `ERR_LATCHGATE_INPUT` if the verifier of this Auth would reject the token: it is too large, lives too
    /// long, or repeats a claim.
    pub fn issue(
        &self,
        request: &Request,
        generation: u64,
        rules: &Rules,
        now_ms: u64,
    ) -> Result<String, Fault> {
        let mut token = self.unsigned(request, generation, rules, now_ms)?;
        let signature = self
            .signer
            .try_sign(token.as_bytes())
            .map_err(|_| Fault::config("jwt.privateKey: the crypto library could not sign"))?;
        token.push('.');
        token.push_str(&base64url(&signature));
        Ok(token)
    }

    /// Checks that a token can be signed, before the login changes the store.
    ///
    /// # Errors
    /// The errors of [`Self::issue`].
    pub fn check(&self, request: &Request, rules: &Rules, now_ms: u64) -> Result<(), Fault> {
        self.unsigned(request, MAX_GENERATION, rules, now_ms).map(drop)
    }

    fn unsigned(
        &self,
        request: &Request,
        generation: u64,
        rules: &Rules,
        now_ms: u64,
    ) -> Result<String, Fault> {
        let payload = payload(request, generation, rules, now_ms)?;
        let members = strict_json::read_object(&payload).ok_or_else(|| {
            Fault::input(
                "claims contain a lone surrogate, repeat a member name, or are nested too deep",
            )
        })?;
        claims::read(&members, || sha256(b""), rules, Signer::Own, Purpose::Accept).map_err(|reason| {
            Fault::input(format!(
                "the token would be refused by this Auth itself ({}): check userId, sessionId, ttl and \
                 jwt.requiredClaims",
                reason.answer().0
            ))
        })?;
        let token = self.header.clone() + &base64url(payload.as_bytes());
        let length = token.len() + 1 + self.signature;
        if length > MAX_TOKEN {
            return Err(Fault::input(format!(
                "the token would have {length} bytes, at most {MAX_TOKEN} are accepted: put less into claims",
            )));
        }
        Ok(token)
    }
}

fn payload(
    request: &Request,
    generation: u64,
    rules: &Rules,
    now_ms: u64,
) -> Result<String, Fault> {
    let mut json = String::from("{");
    let mut member = |name: &str, value: &str| {
        if json.len() > 1 {
            json.push(',');
        }
        let _ = write!(json, "{}:{value}", quoted(name));
    };
    if let Some(issuer) = rules.issuers.first() {
        member("iss", &quoted(issuer));
    }
    member(&rules.user_claim, &quoted(&request.user));
    if let Some(audience) = rules.audiences.first() {
        member("aud", &quoted(audience));
    }
    member("iat", &seconds(issued_ms(request.ttl_ms, now_ms)));
    member("exp", &seconds(expires_ms(request.ttl_ms, now_ms)));
    member("jti", &quoted(&random_id()?));
    member("gen", &generation.to_string());
    if request.login {
        member("lgs", "1");
    }
    if let Some(session) = &request.session {
        member(&rules.session_claim, &quoted(session));
    }
    if let Some(scope) = &request.scope {
        member("scope", &quoted(scope));
    }
    let extra = request.claims.as_deref().unwrap_or("{}").trim();
    let inner = extra.strip_prefix('{').and_then(|text| text.strip_suffix('}'));
    let inner = inner.ok_or_else(|| Fault::input("claims must be an object"))?.trim();
    if !inner.is_empty() {
        json.push(',');
        json.push_str(inner);
    }
    json.push('}');
    Ok(json)
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn seconds(ms: u64) -> String {
    match ms % 1000 {
        0 => (ms / 1000).to_string(),
        fraction => format!("{}.{fraction:03}", ms / 1000),
    }
}
