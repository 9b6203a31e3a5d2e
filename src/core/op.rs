//! The verbs that a store understands and what it answers. Every verb names exactly one user, so
//! that one record, and later one hash slot, holds all that it needs.

use crate::core::api_key::ops::{KeyAnswer, KeyOp};
use crate::core::base::error::Fault;
use crate::core::base::owned::own;
use crate::core::base::reason::Reason;
use crate::core::counter::counter::{Applied, Apply};
use crate::core::family::ops::{FamilyAnswer, FamilyOp};
use crate::core::quota::charge::Charge;
use crate::core::quota::spend::{AddUnits, Consume, Refund};
use crate::core::quota::state::Consumption;
use crate::core::request::credential::Credential;
use crate::core::request::request::Admission;
use crate::core::request::request::Admit;
use crate::core::request::request::Decide;
use crate::core::request::request::Decision;
use crate::core::revocation::epoch::Issued;
use crate::core::revocation::lead::Lead;
use crate::core::session::session::{Cursor, Page, Session};
use crate::core::turn::ops::{TurnAnswer, TurnOp};
use std::borrow::Cow;

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

impl Verdict {
    /// The decision in it, where it is one.
    #[must_use]
    pub const fn decision(&self) -> Option<&Decision> {
        match self {
            Self::Decision(decision) => Some(decision),
            Self::ApiKey(KeyAnswer::Used(used)) => Some(&used.decision),
            _ => None,
        }
    }

    /// The same, to be changed.
    pub const fn decision_mut(&mut self) -> Option<&mut Decision> {
        match self {
            Self::Decision(decision) => Some(decision),
            Self::ApiKey(KeyAnswer::Used(used)) => Some(&mut used.decision),
            _ => None,
        }
    }

    /// Whether it lets a request through.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        self.decision().is_some_and(|decision| decision.reason == Reason::Allowed)
    }
}

impl Act<'_> {
    /// Whose credentials may have fallen by it: something of the user was revoked, ended, evicted or blocked. Rather
    /// once too often.
    #[must_use]
    pub fn fells(&self, verdict: &Verdict) -> Option<&str> {
        let fells = match (self, verdict) {
            (Self::RevokeToken { .. } | Self::RevokeUser { .. } | Self::BlockUser { .. }, _) => {
                true
            }
            (Self::End { .. }, Verdict::Flag(ended)) => *ended,
            (Self::EndAll { .. }, Verdict::Count(ended)) => *ended > 0,
            (Self::Admit(_), Verdict::Admission(admission)) => !admission.evicted.is_empty(),
            (Self::Family(_), Verdict::Family(answer)) => answer.fells(),
            (Self::Decide(_), Verdict::Decision(decision)) => !decision.evicted.is_empty(),
            (Self::ApiKey(KeyOp::Use(_)), Verdict::ApiKey(KeyAnswer::Used(used))) => {
                !used.decision.evicted.is_empty()
            }
            (
                Self::ApiKey(KeyOp::Revoke(_) | KeyOp::Rotate { .. }),
                Verdict::ApiKey(KeyAnswer::Done(done)),
            ) => *done,
            (Self::ApiKey(KeyOp::Update { patch, .. }), Verdict::ApiKey(_)) => {
                patch.expires_ms.is_some()
            }
            _ => false,
        };
        self.user().filter(|_| fells)
    }
}

/// What an operation comes to.
pub type Outcome = Result<Verdict, Fault>;

/// A server that repeats what a primary does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replica {
    /// `host:port`, as the primary knows it.
    pub address: String,
    /// What of the primary's stream it has not confirmed.
    pub lag_bytes: u64,
    /// It follows the stream; otherwise it is still being given what was there before.
    pub online: bool,
}
