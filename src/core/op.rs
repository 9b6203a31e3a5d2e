//! The verbs that a store understands and what it answers. Every verb names exactly one user, so
//! that one record, and later one hash slot, holds all that it needs.

use super::store::{Outcome, Replica};
use crate::core::api_key::ops::{KeyAnswer, KeyOp};
use crate::core::base::error::Fault;
use crate::core::base::reason::{Reason, Reasons};
use crate::core::counter::counter::{Applied, Apply};
use crate::core::decision::credential::Credential;
use crate::core::family::ops::{FamilyAnswer, FamilyOp};
use crate::core::quota::idempotency::Idempotency;
use crate::core::quota::spend::{AddUnits, Consume, Refund};
use crate::core::quota::state::{Consumption, QuotaRule, Spend};
use crate::core::revocation::lead::{Ahead, Lead};
use crate::core::session::session::{Cursor, Page, Session, SessionTimes};
use crate::core::turn::ops::{TurnAnswer, TurnOp};
use std::borrow::Cow;

/// How a token says when it was issued.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Issued {
    /// Signed by our own key with `gen`, the store's microseconds at issue.
    Own {
        /// The `gen` claim.
        generation: u64,
    },
    /// Any other token: its `iat`, in milliseconds since the Unix epoch.
    Foreign {
        /// The `iat` claim, rounded down to whole milliseconds.
        iat_ms: u64,
    },
}

/// Whether a decision looks at the session, and what it does with one that it has never seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionCheck {
    /// Sessions are not looked at.
    Skip,
    /// The session must have been admitted.
    Explicit,
    /// A session never seen before is admitted in the same step.
    FirstUse,
}

/// What happens at the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnLimit {
    /// The newcomer is refused.
    Reject,
    /// The least recently active sessions make room.
    EvictOldest,
}

/// The rules under which a session is admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AdmissionRule {
    /// Most live sessions of one user; `None`: no limit but the hard one.
    pub limit: Option<u64>,
    /// Most live sessions of one user, whatever `limit` says.
    pub hard_limit: u64,
    /// What happens at the limit.
    pub on_limit: OnLimit,
    /// A session ends when it was idle for so long, in milliseconds.
    pub idle_ms: u64,
    /// A session ends when it is so old, in milliseconds.
    pub absolute_ms: u64,
}

/// Where a quota that a request is charged lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuotaPlace {
    /// In the user's record.
    Record,
    /// Apart from it, under a key of its own.
    Apart,
}

/// What a request is charged.
#[derive(Clone, Debug)]
pub struct Charge<'a> {
    /// Where it lies.
    pub place: QuotaPlace,
    /// The quota's key there (docs/layout.md).
    pub key: Cow<'a, str>,
    /// Its rule.
    pub rule: QuotaRule,
    /// What is taken.
    pub spend: Spend,
    /// Once, under this.
    pub once: Option<Idempotency>,
}

/// One request: does this token, in this session, with these scopes, pass?
#[derive(Clone, Debug)]
pub struct Decide<'a> {
    /// The user id, as `req.auth.userId` says it.
    pub user: Cow<'a, str>,
    /// The token's key (docs/layout.md), under which it may stand revoked.
    pub token: Cow<'a, [u8]>,
    /// When it was issued.
    pub issued: Issued,
    /// Who issued it; empty: we, or the first issuer that is configured.
    pub issuer: Cow<'a, str>,
    /// The session that the token belongs to.
    pub session: Cow<'a, str>,
    /// Whether the session is looked at.
    pub check: SessionCheck,
    /// For admission by first use.
    pub rule: AdmissionRule,
    /// Whether the token carries the scopes that the route demands.
    pub scope_ok: bool,
    /// False where this request has touched the session already.
    pub touch: bool,
    /// What it is charged.
    pub charge: Option<Charge<'a>>,
}

/// Admits a session explicitly.
#[derive(Clone, Debug)]
pub struct Admit<'a> {
    /// The user id.
    pub user: Cow<'a, str>,
    /// The session id.
    pub session: Cow<'a, str>,
    /// Device data, a JSON object; kept as it is.
    pub device: Option<Cow<'a, str>>,
    /// The rules.
    pub rule: AdmissionRule,
}

/// What is asked of a store.
#[derive(Clone, Debug)]
pub enum Act<'a> {
    /// A request: see [`Decide`].
    Decide(Decide<'a>),
    /// A login: see [`Admit`].
    Admit(Admit<'a>),
    /// Marks a live session as active now.
    Touch { user: Cow<'a, str>, session: Cow<'a, str> },
    /// Ends a session.
    End { user: Cow<'a, str>, session: Cow<'a, str> },
    /// Ends all sessions of a user, but one if it is named.
    EndAll { user: Cow<'a, str>, except: Option<Cow<'a, str>> },
    /// Lists live sessions, about the most recently active first, one page from the cursor on.
    List { user: Cow<'a, str>, from: Cursor },
    /// Remembers a token as revoked until the instant given, in milliseconds.
    RevokeToken { user: Cow<'a, str>, token: Cow<'a, [u8]>, until_ms: u64 },
    /// Asks whether a token is revoked, by id, epoch or block. Sessions are not looked at.
    IsRevoked { user: Cow<'a, str>, token: Cow<'a, [u8]>, issued: Option<Issued> },
    /// Ends every session and every token issued before now; API keys too where `keys` says so.
    RevokeUser { user: Cow<'a, str>, keys: bool, lead: Lead<'a> },
    /// `RevokeUser` that lasts, until the instant given or for ever.
    BlockUser { user: Cow<'a, str>, until_ms: Option<u64>, lead: Lead<'a> },
    /// Lifts a block.
    UnblockUser { user: Cow<'a, str> },
    /// Draws the generation of a token that is about to be issued.
    NextGeneration { user: Cow<'a, str> },
    /// Charges a quota that belongs to no user's record.
    Consume(Consume<'a>),
    /// Tops up a balance that belongs to no user's record.
    AddUnits(AddUnits<'a>),
    /// Gives a charge back.
    Refund(Refund<'a>),
    /// Asks for the key that receipts are sealed with; `fresh` becomes it where there is none.
    ReceiptKey { fresh: [u8; 32] },
    /// Forgets what was charged to these quotas.
    ResetQuotas { keys: Vec<Cow<'a, str>> },
    /// About an API key: see [`KeyOp`].
    ApiKey(KeyOp<'a>),
    /// About a login and what follows it: see [`FamilyOp`].
    Family(FamilyOp<'a>),
    /// Changes counters: see [`Apply`].
    Apply(Apply<'a>),
    /// Gives a key to one caller, for so many milliseconds or for ever: see `once`.
    Once { key: Cow<'a, str>, by: Cow<'a, str>, ttl_ms: Option<u64> },
    /// Frees such a key.
    OnceRelease { key: Cow<'a, str>, by: Cow<'a, str> },
    /// About a turn: see [`TurnOp`].
    Turn(TurnOp<'a>),
    /// Does a credential still stand? Nothing is touched.
    Standing { user: Cow<'a, str>, credential: Credential<'a> },
    /// Does the store answer?
    Ping,
}

/// An operation: what is asked, and how long what it ends must be remembered.
#[derive(Clone, Debug)]
pub struct Op<'a> {
    /// What is asked.
    pub act: Act<'a>,
    /// The longest that a token accepted today may live on, in milliseconds:
    /// maxAge + 2 x clockTolerance + 60 s.
    pub horizon_ms: u64,
    /// The most by which an accepted token's `iat` may lie ahead, in milliseconds. 0: leads are not observed.
    pub most_lead_ms: u64,
}

/// What a decision found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// `Allowed`, or the first reason to deny.
    pub reason: Reason,
    /// Every reason that would have denied on its own.
    pub would_deny: Reasons,
    /// The session, where it was looked at and the request is allowed.
    pub session: Option<SessionView>,
    /// The session was admitted by this very step.
    pub admitted: bool,
    /// The ids of the sessions that made room for it.
    pub evicted: Vec<String>,
    /// The quota, where one is charged and nothing before it denies.
    pub quota: Option<Consumption>,
    /// The token was let through and is of a clock ahead of ours.
    pub ahead: Option<Box<Ahead>>,
}

/// What a request is told about its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionView {
    /// Live sessions of the user, this one among them.
    pub active: u64,
    /// The limit, if there is one.
    pub limit: Option<u64>,
    /// The session's instants.
    pub times: SessionTimes,
    /// When it was active before this request, in milliseconds.
    pub previous_active_ms: u64,
}

/// What an admission came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admission {
    /// `Allowed`, `SessionLimit`, `SessionEnded` or `UserBlocked`.
    pub reason: Reason,
    /// The session, where it was admitted or was live already.
    pub session: Option<Session>,
    /// It was live already.
    pub existing: bool,
    /// Live sessions afterwards.
    pub active: u64,
    /// The limit, if there is one.
    pub limit: Option<u64>,
    /// The sessions that made room.
    pub evicted: Vec<Session>,
    /// Earliest instant at which asking again may help, from now, in milliseconds; `None`: unknown.
    pub retry_after_ms: Option<u64>,
}

/// What a store answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// To [`Act::Decide`].
    Decision(Decision),
    /// To [`Act::Admit`].
    Admission(Box<Admission>),
    /// To [`Act::Touch`].
    Session(Option<Session>),
    /// To [`Act::List`].
    Sessions(Page),
    /// To yes-or-no questions, and to acts that may find nothing to do.
    Flag(bool),
    /// How many sessions were ended.
    Count(u64),
    /// To [`Act::NextGeneration`].
    Generation(u64),
    /// To [`Act::Consume`] and [`Act::AddUnits`].
    Consumption(Consumption),
    /// To [`Act::ApiKey`].
    ApiKey(KeyAnswer),
    /// To [`Act::Family`].
    Family(FamilyAnswer),
    /// To [`Act::ReceiptKey`].
    Key([u8; 32]),
    /// To [`Act::Apply`].
    Applied(Applied),
    /// To [`Act::Turn`], but for `Leave`.
    Turn(TurnAnswer),
    /// To [`Act::Standing`]: `Allowed`, or the first reason that stands against it.
    Standing(Reason),
    /// To [`Act::Ping`], of a store on servers: the replicas of its primaries, where they may be asked for.
    Pong(Option<Vec<Replica>>),
    /// The question was wrong, which only the store could see; nothing was done.
    Fault(Fault),
}

impl Verdict {
    /// As a store delivers it.
    ///
    /// # Errors
    /// Where the question was wrong.
    pub fn outcome(self) -> Outcome {
        match self {
            Self::Fault(fault) => Err(fault),
            verdict => Ok(verdict),
        }
    }
}

impl Act<'_> {
    /// What a request is charged, and who makes it.
    #[must_use]
    pub fn charge(&self) -> Option<(&str, &Charge<'_>)> {
        let decide = match self {
            Self::Decide(decide) => decide,
            Self::ApiKey(KeyOp::Use(asked)) => &asked.decide,
            _ => return None,
        };
        decide.charge.as_ref().map(|charge| (&*decide.user, charge))
    }

    /// The user whose record the act is about, if it is about one.
    #[must_use]
    pub fn user(&self) -> Option<&str> {
        match self {
            Self::Decide(decide) => Some(&decide.user),
            Self::Admit(admit) => Some(&admit.user),
            Self::Apply(apply) => Some(&apply.user),
            Self::Touch { user, .. }
            | Self::End { user, .. }
            | Self::EndAll { user, .. }
            | Self::List { user, .. }
            | Self::RevokeToken { user, .. }
            | Self::IsRevoked { user, .. }
            | Self::RevokeUser { user, .. }
            | Self::BlockUser { user, .. }
            | Self::UnblockUser { user }
            | Self::NextGeneration { user }
            | Self::Standing { user, .. } => Some(user),
            Self::ApiKey(key) => key.owner(),
            Self::Family(op) => op.owner(),
            Self::Refund(refund) => refund.user.as_deref(),
            Self::Consume(_)
            | Self::AddUnits(_)
            | Self::ResetQuotas { .. }
            | Self::ReceiptKey { .. }
            | Self::Once { .. }
            | Self::OnceRelease { .. }
            | Self::Turn(_)
            | Self::Ping => None,
        }
    }
}

pub(crate) fn own<T: ToOwned + ?Sized + 'static>(text: Cow<'_, T>) -> Cow<'static, T> {
    Cow::Owned(text.into_owned())
}

impl Op<'_> {
    /// The same operation, owning what it names: for stores that answer later.
    #[must_use]
    pub fn into_owned(self) -> Op<'static> {
        let act = match self.act {
            Act::Decide(decide) => Act::Decide(decide.into_owned()),
            Act::Admit(admit) => Act::Admit(admit.into_owned()),
            Act::Touch { user, session } => Act::Touch { user: own(user), session: own(session) },
            Act::End { user, session } => Act::End { user: own(user), session: own(session) },
            Act::EndAll { user, except } => {
                Act::EndAll { user: own(user), except: except.map(own) }
            }
            Act::List { user, from } => Act::List { user: own(user), from },
            Act::RevokeToken { user, token, until_ms } => {
                Act::RevokeToken { user: own(user), token: own(token), until_ms }
            }
            Act::IsRevoked { user, token, issued } => {
                Act::IsRevoked { user: own(user), token: own(token), issued }
            }
            Act::RevokeUser { user, keys, lead } => {
                Act::RevokeUser { user: own(user), keys, lead: lead.into_owned() }
            }
            Act::BlockUser { user, until_ms, lead } => {
                Act::BlockUser { user: own(user), until_ms, lead: lead.into_owned() }
            }
            Act::UnblockUser { user } => Act::UnblockUser { user: own(user) },
            Act::NextGeneration { user } => Act::NextGeneration { user: own(user) },
            Act::Consume(c) => Act::Consume(Consume { key: own(c.key), ..c }),
            Act::AddUnits(a) => Act::AddUnits(AddUnits { key: own(a.key), ..a }),
            Act::Refund(r) => Act::Refund(Refund { user: r.user.map(own), key: own(r.key), ..r }),
            Act::ReceiptKey { fresh } => Act::ReceiptKey { fresh },
            Act::ResetQuotas { keys } => {
                Act::ResetQuotas { keys: keys.into_iter().map(own).collect() }
            }
            Act::ApiKey(key) => Act::ApiKey(key.into_owned()),
            Act::Family(op) => Act::Family(op.into_owned()),
            Act::Apply(apply) => Act::Apply(apply.into_owned()),
            Act::Once { key, by, ttl_ms } => Act::Once { key: own(key), by: own(by), ttl_ms },
            Act::OnceRelease { key, by } => Act::OnceRelease { key: own(key), by: own(by) },
            Act::Turn(turn) => Act::Turn(turn.into_owned()),
            Act::Standing { user, credential } => {
                Act::Standing { user: own(user), credential: credential.into_owned() }
            }
            Act::Ping => Act::Ping,
        };
        Op { act, horizon_ms: self.horizon_ms, most_lead_ms: self.most_lead_ms }
    }
}
