//! The questions and answers about refresh families. A family is the chain of refresh tokens of one login: each can be used
//! once, and all belong to one session. The store receives digests and numbers of tokens, never their text.

use crate::core::base::digest::Digest;
use crate::core::base::owned::own;
use crate::core::request::request::{Admission, Admit};
use std::borrow::Cow;
use std::fmt;

/// The id of a family: 128 random bits.
pub type FamilyId = [u8; 16];

/// The largest branch, and the largest number: each has 6 bytes.
pub const MAX_NUMBER: u64 = (1 << 48) - 1;

/// The position of a token within its family. Tokens of another branch than the live token, and lower numbers of its
/// branch, are spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Serial {
    /// Random, of one login. Each retry of a login begins another branch.
    pub branch: u64,
    /// From 1 on. A successor has the next number.
    pub number: u64,
}

impl Serial {
    /// The first token of a branch.
    #[must_use]
    pub const fn first_of(branch: u64) -> Self {
        Self { branch, number: 1 }
    }

    /// The serial of the successor.
    #[must_use]
    pub const fn next(self) -> Self {
        Self { number: self.number.saturating_add(1), ..self }
    }
}

/// The secret key of one family, 256 random bits: processes authenticate the serial of a token with it. `Debug` hides it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct FamilyKey(pub [u8; 32]);

impl fmt::Debug for FamilyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FamilyKey")
    }
}

/// The data of a family that a process remembers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownFamily {
    /// Its user.
    pub user: String,
    /// Its key.
    pub key: FamilyKey,
}

/// A presented token. The process has checked the serial with the key. The store compares user and key with user and key of
/// the family.
#[derive(Clone, Debug)]
pub struct PresentedToken<'a> {
    /// The user of the family, as the process knows it.
    pub user: Cow<'a, str>,
    /// The family.
    pub family: FamilyId,
    /// The key of the family, as the process knows it.
    pub key: FamilyKey,
    /// The serial of the token.
    pub serial: Serial,
    /// The SHA-256 of the token.
    pub digest: Digest,
}

/// The data of a login that is stored with its session.
#[derive(Clone, Debug)]
pub struct NewFamily<'a> {
    /// Its id.
    pub id: FamilyId,
    /// Its key. For an existing family: its current key.
    pub key: FamilyKey,
    /// The branch that its token begins.
    pub branch: u64,
    /// The SHA-256 of the token.
    pub digest: Digest,
    /// How long a token is valid, in milliseconds. No token outlives the session.
    pub ttl_ms: u64,
    /// Further claims of its access tokens: a JSON object.
    pub claims: Option<Cow<'a, str>>,
    /// Scopes of its access tokens, separated by spaces.
    pub scope: Option<Cow<'a, str>>,
}

/// A login: one step admits the session and begins the family.
#[derive(Clone, Debug)]
pub struct Login<'a> {
    /// The session.
    pub admit: Admit<'a>,
    /// The caller chose the id of the session. A known id is refused.
    pub given: bool,
    /// Represents the caller's request, which has at most one live session.
    pub request: Option<[u8; 16]>,
    /// The family.
    pub family: NewFamily<'a>,
    /// How long a token that it replaces does not count as reuse, in milliseconds.
    pub grace_ms: u64,
}

/// One use of a refresh token.
#[derive(Clone, Debug)]
pub struct Refresh<'a> {
    /// The token.
    pub token: PresentedToken<'a>,
    /// The SHA-256 of the successor, which has the next number.
    pub next: Digest,
    /// The successor, sealed so that only the holder of the presented token can read it.
    pub sealed: Cow<'a, [u8]>,
    /// How long it may be read, in milliseconds.
    pub grace_ms: u64,
}

/// A question about families. All except `Find` are about the user's record.
#[derive(Clone, Debug)]
pub enum FamilyOp<'a> {
    /// Finds a family. The bucket must belong to its user.
    Find { bucket: u16, family: FamilyId },
    /// See [`Login`].
    Login(Box<Login<'a>>),
    /// See [`Refresh`].
    Refresh(Box<Refresh<'a>>),
    /// Ends the session of a family, for a holder of its live token or of a spent token. False if no session was live.
    Logout(PresentedToken<'a>),
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FamilyAnswer {
    /// To `Find`.
    Known(Option<KnownFamily>),
    /// To `Login`.
    Login(Box<LoginAnswer>),
    /// To `Refresh`.
    Refresh(Box<RefreshAnswer>),
    /// To `Logout`.
    Done(bool),
    /// To `Refresh` and `Logout`: no such family, or it has another user or another key. Nothing changed.
    Unknown,
}

impl FamilyAnswer {
    /// Whether a session ended.
    pub(crate) fn has_ended_session(&self) -> bool {
        match self {
            Self::Login(login) => {
                matches!(&**login, LoginAnswer::Admitted(it, _) if !it.evicted.is_empty())
            }
            Self::Refresh(refresh) => matches!(**refresh, RefreshAnswer::Reused(_)),
            Self::Done(ended) => *ended,
            Self::Known(_) | Self::Unknown => false,
        }
    }
}

/// The answer to a login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoginAnswer {
    /// Nothing changed. The request has a live session with this family: ask with the family and its key. `None`: the family
    /// belongs to another session, so ask with a new family.
    Elsewhere(Option<(FamilyId, FamilyKey)>),
    /// The session was not admitted. Nothing changed.
    Refused(Admission),
    /// The session was admitted or was live already, and the live token is the presented token.
    Admitted(Admission, Drawn),
}

/// The data for issuing tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drawn {
    /// The generation of the access token.
    pub generation: u64,
    /// When the refresh token expires, in milliseconds.
    pub expires_ms: u64,
}

/// The answer to a use of a refresh token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefreshAnswer {
    /// The token is neither live nor spent, or another login replaced it. Nothing changed.
    Invalid,
    /// The token or its session has expired.
    Expired,
    /// Its session was ended, or its user is blocked.
    Revoked,
    /// The token was reused after the grace window: its session, named here, was ended.
    Reused(String),
    /// There are new tokens.
    Granted(Granted),
}

/// The data for new tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Granted {
    /// The session.
    pub session: String,
    /// The claims of access tokens, as the login stored them: see [`NewFamily`].
    pub claims: Option<String>,
    /// Their scopes, likewise.
    pub scope: Option<String>,
    /// See [`Drawn`].
    pub drawn: Drawn,
    /// Empty: the successor is the token of the question. Otherwise the sealed texts from the presented token to the live
    /// token.
    pub sealed: Vec<Vec<u8>>,
}

impl FamilyOp<'_> {
    /// The same act, owning what it names.
    #[must_use]
    pub fn into_owned(self) -> FamilyOp<'static> {
        match self {
            Self::Find { bucket, family } => FamilyOp::Find { bucket, family },
            Self::Login(login) => FamilyOp::Login(Box::new(login.into_owned())),
            Self::Refresh(asked) => {
                let Refresh { token, next, sealed, grace_ms } = *asked;
                let (token, sealed) = (token.into_owned(), own(sealed));
                FamilyOp::Refresh(Box::new(Refresh { token, next, sealed, grace_ms }))
            }
            Self::Logout(token) => FamilyOp::Logout(token.into_owned()),
        }
    }
}

impl PresentedToken<'_> {
    /// The same, owning what it names.
    #[must_use]
    pub fn into_owned(self) -> PresentedToken<'static> {
        let Self { user, family, key, serial, digest } = self;
        PresentedToken { user: own(user), family, key, serial, digest }
    }
}

impl Login<'_> {
    /// The same, owning what it names.
    #[must_use]
    pub fn into_owned(self) -> Login<'static> {
        let Self { admit, given, request, family, grace_ms } = self;
        let NewFamily { id, key, branch, digest, ttl_ms, claims, scope } = family;
        let (claims, scope) = (claims.map(own), scope.map(own));
        let family = NewFamily { id, key, branch, digest, ttl_ms, claims, scope };
        Login { admit: admit.into_owned(), given, request, family, grace_ms }
    }
}
