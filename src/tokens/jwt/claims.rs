//! The rules for the claims of a token, and the values kept from valid claims. `exp`, `nbf` and an `iat` in
//! the future are checked separately: they change with time, so every use of a cached token checks them.

use super::verification_keys::Signer;
use crate::core::base::reason::Reason;
use crate::core::revocation::epoch::Issued;
use crate::core::revocation::lead::Lead;
use crate::tokens::encoding::base64url;
use crate::tokens::identity;
use crate::tokens::identity::{MAX_ID, TokenName};
use crate::tokens::strict_json::{Members, Value};

/// Largest integer that JSON readers agree on (RFC 8259 §6).
pub const MAX_SAFE: f64 = 9_007_199_254_740_991.0;
/// How far an `iat` of another machine may be ahead of this clock, beyond the tolerance.
pub const IAT_AHEAD_MS: u64 = 60_000;

/// The rules for every token.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Accepted `iss` values, the issuer of this Auth first. Empty: not checked.
    pub issuers: Vec<String>,
    /// Accepted `aud` values. Empty: not checked.
    pub audiences: Vec<String>,
    /// Claims that must be present, in addition to `exp`, `iat` and the user id.
    pub required: Vec<String>,
    /// The claim that holds the user id.
    pub user_claim: String,
    /// The claim that holds the session id.
    pub session_claim: String,
    /// Tolerance for different clocks, in milliseconds.
    pub tolerance_ms: u64,
    /// Longest `exp - iat`, in milliseconds.
    pub max_age_ms: u64,
    /// How far an issuer's clock may be ahead of this clock, in milliseconds. `None`: the maximum that the
    /// store has observed.
    pub issuer_lead_ms: Option<u64>,
}

impl Rules {
    /// How long a revocation must be remembered: until the longest-lived token has expired.
    #[must_use]
    pub const fn horizon_ms(&self) -> u64 {
        self.max_age_ms + 2 * self.tolerance_ms + IAT_AHEAD_MS
    }

    /// How far the `iat` of an accepted token can be ahead. 0 if the store need not observe it.
    #[must_use]
    pub const fn most_lead_ms(&self) -> u64 {
        match self.issuer_lead_ms {
            None => self.tolerance_ms + IAT_AHEAD_MS,
            Some(_) => 0,
        }
    }

    /// Returns the name under which the store distinguishes issuers. The first issuer has an empty name.
    #[must_use]
    pub fn issuer_name(&self, place: usize) -> &str {
        self.issuers.get(place).filter(|_| place > 0).map_or("", |issuer| issuer)
    }

    /// Returns the time that a revocation of a user adds to its own second.
    #[must_use]
    pub fn lead_of(&self, user: &str) -> Lead<'static> {
        if let Some(ms) = self.issuer_lead_ms {
            return Lead::Fixed { ms };
        }
        let place = identity::issuer_of(&self.issuers, user);
        Lead::Observed { issuer: self.issuer_name(place).to_owned().into() }
    }

    /// Returns the place of an issuer in the list. Without a list, every token belongs to the first issuer.
    #[must_use]
    pub fn issuer_index(&self, iss: Option<&str>) -> Option<usize> {
        if self.issuers.is_empty() {
            return Some(0);
        }
        self.issuers.iter().position(|known| Some(known.as_str()) == iss)
    }
}

/// A verified token: the values that decisions need.
#[derive(Clone, Debug)]
pub struct Token {
    /// The user id, scoped by issuer.
    pub user: Box<str>,
    /// The session id: the session claim, or the token's own id.
    pub session: Box<str>,
    /// Whether the session id is the token's own id.
    pub session_is_token: bool,
    /// The token's key: see `identity::token_key`.
    pub key: Box<[u8]>,
    /// When the token was issued.
    pub issued: Issued,
    /// The issuer, by the name that the store uses: see [`Rules::issuer_name`].
    pub issuer: Box<str>,
    /// The token comes from login(): its session is always checked, and never admitted by first use.
    pub from_login: bool,
    /// The scopes of the token.
    pub scopes: Box<[Box<str>]>,
    /// `exp`, `nbf` and `iat` in milliseconds.
    pub expires_ms: u64,
    /// See `expires_ms`.
    pub not_before_ms: u64,
    /// See `expires_ms`.
    pub issued_ms: u64,
}

impl Token {
    /// Checks the claims that change with time.
    ///
    /// # Errors
    /// The reason why the token is not valid at `now_ms`.
    pub fn stands_at(&self, now_ms: u64, tolerance_ms: u64) -> Result<(), Reason> {
        if now_ms >= self.expires_ms.saturating_add(tolerance_ms) {
            return Err(Reason::TokenExpired);
        }
        if now_ms.saturating_add(tolerance_ms) < self.not_before_ms {
            return Err(Reason::TokenNotYetValid);
        }
        if self.issued_ms > now_ms.saturating_add(tolerance_ms + IAT_AHEAD_MS) {
            return Err(Reason::TokenIssuedInFuture);
        }
        Ok(())
    }

    /// Whether the token has all of these scopes.
    #[must_use]
    pub fn has_scopes(&self, wanted: &[Box<str>]) -> bool {
        wanted.iter().all(|scope| self.scopes.contains(scope))
    }
}

/// The purpose of reading a token, which selects the rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To accept the token. All rules apply.
    Accept,
    /// To revoke the token, or to report its state. Only the rules for its user and its expiry apply: a token
    /// that is rejected for another reason today must be revocable.
    Identify,
}

/// Reads the claims of a token whose signature is verified. `signer` is the owner of the key.
///
/// # Errors
/// The first rule that the claims violate.
pub fn read(
    members: &Members<'_>,
    digest: impl Fn() -> [u8; 32],
    rules: &Rules,
    signer: Signer,
    purpose: Purpose,
) -> Result<Token, Reason> {
    let find = |name: &str| members.iter().find(|(key, _)| key == name).map(|(_, value)| value);
    let text = |name: &str| match find(name) {
        None => Ok(None),
        Some(Value::Text(text)) => Ok(Some(&**text)),
        Some(_) => Err(Reason::TokenClaims),
    };
    let instant = |name: &str| match find(name) {
        None => Ok(None),
        Some(Value::Number(seconds)) => to_ms(*seconds).map(Some).ok_or(Reason::TokenClaims),
        Some(_) => Err(Reason::TokenClaims),
    };

    let expires_ms = instant("exp")?.ok_or(Reason::TokenClaims)?;
    let issued_ms = instant("iat")?;
    let not_before_ms = instant("nbf")?.unwrap_or(0);
    let iss = text("iss")?;
    let audience = check_audience(find("aud"), rules)?;
    let jti = text("jti")?;
    if purpose == Purpose::Accept {
        let Some(issued_ms) = issued_ms else {
            return Err(Reason::TokenClaims);
        };
        for name in &rules.required {
            if matches!(find(name), None | Some(Value::Null)) {
                return Err(Reason::TokenClaims);
            }
        }
        if expires_ms.saturating_sub(issued_ms) > rules.max_age_ms {
            return Err(Reason::TokenMaxAge);
        }
    }
    let issuer = rules.issuer_index(iss).ok_or(Reason::TokenIssuer)?;
    if purpose == Purpose::Accept && !audience {
        return Err(Reason::TokenAudience);
    }

    let sub = text(&rules.user_claim)?.filter(|id| is_id(id)).ok_or(Reason::TokenClaims)?;
    let user = identity::user_id(&rules.issuers, issuer, sub).ok_or(Reason::TokenClaims)?;
    if user.len() > MAX_ID || jti.is_some_and(|id| !is_id(id)) {
        return Err(Reason::TokenClaims);
    }
    let session = text(&rules.session_claim)?;
    if session.is_some_and(|id| !is_id(id)) {
        return Err(Reason::TokenClaims);
    }
    let (key, own_id): (Box<[u8]>, Box<str>) = if let Some(jti) = jti {
        (identity::token_key(&rules.issuers, issuer, TokenName::Jti(jti)), jti.into())
    } else {
        let digest = digest();
        let name = base64url(&digest).into();
        (identity::token_key(&rules.issuers, issuer, TokenName::Digest(&digest)), name)
    };
    let (issued, from_login) = read_own(find("gen"), find("lgs"), signer, issued_ms.unwrap_or(0))?;
    Ok(Token {
        user: user.into(),
        session: session.map_or(own_id, Into::into),
        session_is_token: session.is_none(),
        key,
        issued,
        issuer: rules.issuer_name(issuer).into(),
        from_login,
        scopes: read_scopes(find("scope").or_else(|| find("scp"))),
        expires_ms,
        not_before_ms,
        issued_ms: issued_ms.unwrap_or(0),
    })
}

/// Reads `gen` and `lgs`. They count only under the key of this Auth, and a wrong type makes the token invalid
/// there. If this Auth does not sign, `lgs` counts too: it only adds a check, and an Auth that only verifies
/// must check the sessions of logins too.
fn read_own(
    generation: Option<&Value<'_>>,
    login: Option<&Value<'_>>,
    signer: Signer,
    iat_ms: u64,
) -> Result<(Issued, bool), Reason> {
    let foreign = Issued::Foreign { iat_ms };
    let from_login = matches!(login, Some(Value::Number(n)) if (*n - 1.0).abs() < f64::EPSILON);
    if signer != Signer::Own {
        return Ok((foreign, from_login && signer == Signer::Unknown));
    }
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let issued = match generation {
        None => foreign,
        Some(Value::Number(n)) if n.fract() == 0.0 && *n >= 0.0 && *n <= MAX_SAFE => {
            Issued::Own { generation: *n as u64 }
        }
        Some(_) => return Err(Reason::TokenClaims),
    };
    if login.is_some() && !from_login {
        return Err(Reason::TokenClaims);
    }
    Ok((issued, from_login))
}

/// `aud` is a string or an array of strings (RFC 7519 §4.1.3), even if no audience is required.
fn check_audience(aud: Option<&Value<'_>>, rules: &Rules) -> Result<bool, Reason> {
    let known = |text: &str| rules.audiences.iter().any(|audience| audience == text);
    let met = match aud {
        None => false,
        Some(Value::Text(text)) => known(text),
        Some(Value::Texts(texts)) => texts.iter().any(|text| known(text)),
        Some(_) => return Err(Reason::TokenClaims),
    };
    Ok(met || rules.audiences.is_empty())
}

/// A scope claim is a string of scopes separated by spaces (RFC 8693 §4.2), or an array of strings.
fn read_scopes(claim: Option<&Value<'_>>) -> Box<[Box<str>]> {
    let split = |text: &str| text.split(' ').filter(|s| !s.is_empty()).map(Into::into).collect();
    match claim {
        Some(Value::Text(text)) => split(text),
        Some(Value::Texts(texts)) => texts.iter().map(|text| (**text).into()).collect(),
        _ => Box::default(),
    }
}

/// The ids of a token are printable. A control character in an id is an attack on logs, or a mistake.
fn is_id(id: &str) -> bool {
    !id.is_empty() && id.len() <= MAX_ID && !id.chars().any(char::is_control)
}

/// Converts seconds, possibly with a fraction (RFC 7519 §2), to whole milliseconds, rounded down.
fn to_ms(seconds: f64) -> Option<u64> {
    let ms = seconds * 1000.0;
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    (seconds >= 0.0 && ms <= MAX_SAFE).then(|| {
        // 1.001 s is 1000.9999999999999 ms as a double. A value that the issuer wrote in whole milliseconds
        // stays exact.
        let near = ms.round();
        if (ms - near).abs() < 1e-3 { near as u64 } else { ms.floor() as u64 }
    })
}
