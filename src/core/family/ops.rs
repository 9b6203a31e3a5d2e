//! What is asked about refresh families, and what is answered. A family is what follows from one login: tokens
//! that can each be used once, all of one session. Of the tokens their hashes and numbers come here, never their text.

use crate::core::base::digest::Digest;
use crate::core::base::owned::own;
use crate::core::request::request::{Admission, Admit};
use std::borrow::Cow;
use std::fmt;

/// Names a family: 128 random bits.
pub type FamilyId = [u8; 16];

/// The highest branch, and the highest number: each has 6 bytes.
pub const MAX_NUMBER: u64 = (1 << 48) - 1;

/// The place of a token within its family. Tokens of another branch than the live one's, and lower numbers of its branch, are
/// spent.
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

    /// The successor's.
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

/// What a process knows of a family.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownFamily {
    /// Its user.
    pub user: String,
    /// Its key.
    pub key: FamilyKey,
}

/// A token that somebody presents. The process has checked the serial with the key; the store compares user and key with
/// what the family says.
#[derive(Clone, Debug)]
pub struct PresentedToken<'a> {
    /// The user whose family it is, as the process knows it.
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

/// What is kept of a login beside its session.
#[derive(Clone, Debug)]
pub struct NewFamily<'a> {
    /// Its id.
    pub id: FamilyId,
    /// Its key. Of a family that exists: the key that it has.
    pub key: FamilyKey,
    /// The branch that its token begins.
    pub branch: u64,
    /// The SHA-256 of the token.
    pub digest: Digest,
    /// How long a token lives, in milliseconds; none outlives the session.
    pub ttl_ms: u64,
    /// Further claims of its access tokens: a JSON object.
    pub claims: Option<Cow<'a, str>>,
    /// Scopes of its access tokens, separated by spaces.
    pub scope: Option<Cow<'a, str>>,
}

/// A login: the session is admitted, and the family begun, in one step.
#[derive(Clone, Debug)]
pub struct Login<'a> {
    /// The session.
    pub admit: Admit<'a>,
    /// The session's id was chosen by the caller: one that is known is refused, whoever made it known.
    pub given: bool,
    /// Stands for the caller's request, of which there is one live session at most.
    pub request: Option<[u8; 16]>,
    /// The family.
    pub family: NewFamily<'a>,
    /// So long a token that it replaces is not held against anybody, in milliseconds.
    pub grace_ms: u64,
}

/// One use of a refresh token.
#[derive(Clone, Debug)]
pub struct Refresh<'a> {
    /// The token.
    pub token: PresentedToken<'a>,
    /// The SHA-256 of what is to follow it, with the next number.
    pub next: Digest,
    /// What is to follow it, so that only who holds what was presented can read it.
    pub sealed: Cow<'a, [u8]>,
    /// So long it may be read, in milliseconds.
    pub grace_ms: u64,
}

/// What is asked. Everything but `Find` is about the user's record.
#[derive(Clone, Debug)]
pub enum FamilyOp<'a> {
    /// Looks a family up. It is not found under another bucket than its user's.
    Find { bucket: u16, family: FamilyId },
    /// See [`Login`].
    Login(Box<Login<'a>>),
    /// See [`Refresh`].
    Refresh(Box<Refresh<'a>>),
    /// Ends the session of a family, for whoever holds its live token or a spent one; false where no session lived.
    Logout(PresentedToken<'a>),
}

/// What is answered.
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
    /// To `Refresh` and `Logout`: no such family, or it is another user's, or has another key. Nothing was done.
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

/// What a login came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoginAnswer {
    /// Nothing was done. The request has a live session with this family: ask with the family and its key. `None`: ask with
    /// a new family, this one is another session's.
    Elsewhere(Option<(FamilyId, FamilyKey)>),
    /// The session was not admitted; nothing was done.
    Refused(Admission),
    /// It was, or lives already, and the family's token is the one that was brought.
    Admitted(Admission, Drawn),
}

/// What the tokens are made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drawn {
    /// The generation of the access token.
    pub generation: u64,
    /// When the refresh token expires, in milliseconds.
    pub expires_ms: u64,
}

/// What a use of a refresh token came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefreshAnswer {
    /// It is neither the live token nor a spent one, or was replaced by another login: nothing was done.
    Invalid,
    /// It, or its session, has come to its time.
    Expired,
    /// Its session was ended, or its user is blocked.
    Revoked,
    /// It was used before, and too long ago: its session, named here, was ended.
    Reused(String),
    /// There are new tokens.
    Granted(Granted),
}

/// What there is to say of new tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Granted {
    /// The session.
    pub session: String,
    /// What the login said of access tokens: see [`NewFamily`].
    pub claims: Option<String>,
    /// The same.
    pub scope: Option<String>,
    /// See [`Drawn`].
    pub drawn: Drawn,
    /// Empty: what was brought follows. Else what was sealed when the presented token was used before, and what was
    /// sealed under each that followed, up to the live one.
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
