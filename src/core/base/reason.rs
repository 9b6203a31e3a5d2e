//! Why a request is denied: the detailed reason (for events, metrics and `onDeny`), and the public code and status for
//! the client. The public code does not distinguish reasons of one class.

/// The outcome of a decision, in order of precedence: of several reasons the first applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Reason {
    /// Not a denial.
    Allowed = 0,
    /// No credential was sent (RFC 6750 §3.1: a challenge without an error).
    CredentialsRequired,
    /// The header cannot be parsed, or there are two.
    HeaderUnreadable,
    /// Longer than the cap on tokens.
    TokenTooLarge,
    /// Not a compact JWS with strict base64url, unique member names and an object of claims.
    TokenMalformed,
    /// An algorithm that the key does not allow (RFC 8725 §3.1).
    TokenAlgorithm,
    /// No key of that id.
    TokenKey,
    /// The signature does not verify.
    TokenSignature,
    /// A required claim is missing, or a registered one has the wrong type.
    TokenClaims,
    /// Past `exp` + tolerance.
    TokenExpired,
    /// Before `nbf` - tolerance.
    TokenNotYetValid,
    /// `iat` is further ahead than tolerance + 60 s.
    TokenIssuedInFuture,
    /// `exp - iat` is longer than `maxAge`.
    TokenMaxAge,
    /// `iss` is not a configured one.
    TokenIssuer,
    /// `aud` names none of the configured ones.
    TokenAudience,
    /// No such API key.
    KeyUnknown,
    /// The API key does not belong to the user of the token.
    KeyOwner,
    /// The API key was revoked, or its secret replaced.
    KeyRevoked,
    /// The user is blocked.
    UserBlocked,
    /// Past the API key's `expiresAt`.
    KeyExpired,
    /// This token was revoked by id.
    TokenRevoked,
    /// Every token of the user up to an instant was revoked, including this token.
    UserRevoked,
    /// The session was ended or evicted, or it has timed out.
    SessionEnded,
    /// The session was never admitted, and first use does not admit it.
    SessionUnknown,
    /// A required scope is missing.
    ScopeMissing,
    /// One more session would exceed the limit.
    SessionLimit,
    /// The quota is exhausted.
    QuotaExhausted,
    /// A claim does not match what the route demands.
    ClaimsMismatch,
    /// The endpoint that may have the key of the token does not answer.
    KeysUnavailable,
    /// The store cannot answer.
    StoreUnavailable,
    /// The queue of the user's turn is full.
    QueueFull,
    /// The user's turn was not granted in time.
    NoTurn,
}

impl Reason {
    /// Every reason, in order of precedence; the index is the number that crosses the boundary.
    pub const ALL: [Self; 32] = [
        Self::Allowed,
        Self::CredentialsRequired,
        Self::HeaderUnreadable,
        Self::TokenTooLarge,
        Self::TokenMalformed,
        Self::TokenAlgorithm,
        Self::TokenKey,
        Self::TokenSignature,
        Self::TokenClaims,
        Self::TokenExpired,
        Self::TokenNotYetValid,
        Self::TokenIssuedInFuture,
        Self::TokenMaxAge,
        Self::TokenIssuer,
        Self::TokenAudience,
        Self::KeyUnknown,
        Self::KeyOwner,
        Self::KeyRevoked,
        Self::UserBlocked,
        Self::KeyExpired,
        Self::TokenRevoked,
        Self::UserRevoked,
        Self::SessionEnded,
        Self::SessionUnknown,
        Self::ScopeMissing,
        Self::SessionLimit,
        Self::QuotaExhausted,
        Self::ClaimsMismatch,
        Self::KeysUnavailable,
        Self::StoreUnavailable,
        Self::QueueFull,
        Self::NoTurn,
    ];

    /// (reason, public code, HTTP status).
    #[must_use]
    pub const fn answer(self) -> (&'static str, &'static str, u16) {
        match self {
            Self::Allowed => ("allowed", "allowed", 200),
            Self::CredentialsRequired => ("credentials_required", "credentials_required", 401),
            Self::HeaderUnreadable => ("header_unreadable", "invalid_request", 400),
            Self::TokenTooLarge => ("token_too_large", "invalid_token", 401),
            Self::TokenMalformed => ("token_malformed", "invalid_token", 401),
            Self::TokenAlgorithm => ("token_algorithm", "invalid_token", 401),
            Self::TokenKey => ("token_key", "invalid_token", 401),
            Self::TokenSignature => ("token_signature", "invalid_token", 401),
            Self::TokenClaims => ("token_claims", "invalid_token", 401),
            Self::TokenExpired => ("token_expired", "invalid_token", 401),
            Self::TokenNotYetValid => ("token_not_yet_valid", "invalid_token", 401),
            Self::TokenIssuedInFuture => ("token_issued_in_future", "invalid_token", 401),
            Self::TokenMaxAge => ("token_max_age", "invalid_token", 401),
            Self::TokenIssuer => ("token_issuer", "invalid_token", 401),
            Self::TokenAudience => ("token_audience", "invalid_token", 401),
            Self::KeyUnknown => ("key_unknown", "invalid_api_key", 401),
            Self::KeyOwner => ("key_owner", "invalid_api_key", 401),
            Self::KeyRevoked => ("key_revoked", "invalid_api_key", 401),
            Self::KeyExpired => ("key_expired", "invalid_api_key", 401),
            Self::UserBlocked => ("user_blocked", "blocked", 403),
            Self::TokenRevoked => ("token_revoked", "invalid_token", 401),
            Self::UserRevoked => ("user_revoked", "invalid_token", 401),
            Self::SessionEnded => ("session_ended", "invalid_token", 401),
            Self::SessionUnknown => ("session_unknown", "invalid_token", 401),
            Self::ScopeMissing => ("scope_missing", "insufficient_scope", 403),
            Self::SessionLimit => ("session_limit", "session_limit", 403),
            Self::QuotaExhausted => ("quota_exhausted", "quota_exhausted", 429),
            Self::ClaimsMismatch => ("claims_mismatch", "forbidden", 403),
            Self::KeysUnavailable => ("keys_unavailable", "store_unavailable", 503),
            Self::StoreUnavailable => ("store_unavailable", "store_unavailable", 503),
            Self::QueueFull => ("queue_full", "busy", 429),
            Self::NoTurn => ("no_turn", "busy", 429),
        }
    }
}

/// A set of reasons, each of which denies on its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reasons(u32);

impl Reasons {
    /// Adds a reason; `Allowed` is no reason to deny and adds nothing.
    pub fn add(&mut self, reason: Reason) {
        if reason != Reason::Allowed {
            self.0 |= 1 << reason as u8;
        }
    }

    /// The reason that applies, or `Allowed` if the set is empty.
    #[must_use]
    pub fn first(self) -> Reason {
        if self.0 == 0 { Reason::Allowed } else { Reason::ALL[self.0.trailing_zeros() as usize] }
    }

    /// Whether the set holds this reason.
    #[must_use]
    pub const fn has(self, reason: Reason) -> bool {
        self.0 & (1 << reason as u8) != 0
    }

    /// The set without this reason.
    #[must_use]
    pub const fn without(self, reason: Reason) -> Self {
        Self(self.0 & !(1 << reason as u8))
    }

    /// Adds all reasons of another set.
    pub fn join(&mut self, other: Self) {
        self.0 |= other.0;
    }

    /// The set as bits: bit n for the reason with number n.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reasons_number_is_its_place_in_the_table() {
        for (index, reason) in Reason::ALL.iter().enumerate() {
            assert_eq!(*reason as usize, index);
        }
    }

    #[test]
    fn of_several_reasons_the_first_in_the_table_applies() {
        let mut reasons = Reasons::default();
        assert_eq!(reasons.first(), Reason::Allowed);
        reasons.add(Reason::Allowed);
        assert_eq!(reasons.bits(), 0);
        reasons.add(Reason::SessionLimit);
        reasons.add(Reason::ScopeMissing);
        assert_eq!(reasons.first(), Reason::ScopeMissing);
        reasons.add(Reason::UserBlocked);
        assert_eq!(reasons.first(), Reason::UserBlocked);
    }
}
