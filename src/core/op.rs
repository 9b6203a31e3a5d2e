//! The operations that a store understands, the table that says everything about each, and the answers. An operation
//! names at most one user, so that one record, and one hash slot, holds all that it needs.

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
use crate::core::script::Script;
use crate::core::session::session::{Cursor, Page, Session};
use crate::core::turn::ops::{TurnAnswer, TurnOp};
use std::borrow::Cow;

/// A question to a store.
#[derive(Clone, Debug)]
pub enum Act<'a> {
    /// A request: see [`Decide`].
    Decide(Decide<'a>),
    /// An explicit admission: see [`Admit`].
    Admit(Admit<'a>),
    /// Marks a live session as active now.
    Touch { user: Cow<'a, str>, session: Cow<'a, str> },
    /// Ends a session.
    End { user: Cow<'a, str>, session: Cow<'a, str> },
    /// Ends all sessions of a user, except the named one.
    EndAll { user: Cow<'a, str>, except: Option<Cow<'a, str>> },
    /// Returns one page of live sessions from the cursor on, approximately by most recent activity.
    List { user: Cow<'a, str>, from: Cursor },
    /// Remembers a token as revoked until that instant, in milliseconds.
    RevokeToken { user: Cow<'a, str>, token: Cow<'a, [u8]>, until_ms: u64 },
    /// Asks whether a token is revoked, by id, epoch or block. Sessions are not checked.
    IsRevoked { user: Cow<'a, str>, token: Cow<'a, [u8]>, issued: Option<Issued> },
    /// Ends every session and revokes every token issued before now. With `keys`, revokes API keys too.
    RevokeUser { user: Cow<'a, str>, keys: bool, lead: Lead<'a> },
    /// `RevokeUser` with a block, until that instant or without end.
    BlockUser { user: Cow<'a, str>, until_ms: Option<u64>, lead: Lead<'a> },
    /// Lifts a block.
    UnblockUser { user: Cow<'a, str> },
    /// Asks whether a user is blocked.
    IsBlocked { user: Cow<'a, str> },
    /// Draws the generation of a token that is about to be issued.
    NextGeneration { user: Cow<'a, str> },
    /// Charges a standalone quota.
    Consume(Consume<'a>),
    /// Tops up a standalone balance.
    AddUnits(AddUnits<'a>),
    /// Refunds a charge.
    Refund(Refund<'a>),
    /// Asks for the key that seals receipts. `fresh` becomes the key if there is none.
    ReceiptKey { fresh: [u8; 32] },
    /// Resets these quotas.
    ResetQuotas { keys: Vec<Cow<'a, str>> },
    /// About an API key: see [`KeyOp`].
    ApiKey(KeyOp<'a>),
    /// About a login and its refresh family: see [`FamilyOp`].
    Family(FamilyOp<'a>),
    /// Changes counters: see [`Apply`].
    Apply(Apply<'a>),
    /// Gives a key to one caller, for `ttl_ms` milliseconds or without end: see `once`.
    Once { key: Cow<'a, str>, by: Cow<'a, str>, ttl_ms: Option<u64> },
    /// Frees such a key.
    OnceRelease { key: Cow<'a, str>, by: Cow<'a, str> },
    /// About a turn: see [`TurnOp`].
    Turn(TurnOp<'a>),
    /// Asks whether a credential is still valid. Touches no session.
    CheckCredential { user: Cow<'a, str>, credential: Credential<'a> },
    /// Asks whether the store answers.
    Ping,
}

/// An operation: the question, and how long its effect must be remembered.
#[derive(Clone, Debug)]
pub struct Op<'a> {
    /// The question.
    pub act: Act<'a>,
    /// The longest remaining life of a token that is accepted today, in milliseconds:
    /// maxAge + 2 x clockTolerance + 60 s.
    pub horizon_ms: u64,
    /// How far the `iat` of an accepted token may be ahead at most, in milliseconds. 0: leads are not observed.
    pub most_lead_ms: u64,
}

/// The answer of a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// To [`Act::Decide`].
    Decision(Decision),
    /// To [`Act::Admit`].
    Admission(Box<Admission>),
    /// To [`Act::Touch`].
    Session(Option<Session>),
    /// To [`Act::List`].
    Sessions(Page),
    /// To yes-or-no questions, and to operations that may have no effect.
    Flag(bool),
    /// Number of ended sessions.
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
    /// To [`Act::Turn`], except `Leave`.
    Turn(TurnAnswer),
    /// To [`Act::CheckCredential`]: `Allowed`, or the first reason that denies the credential.
    Validity(Reason),
    /// To [`Act::Ping`]: the replicas of the primaries, if a store on servers may ask for them.
    Pong(Option<Vec<Replica>>),
    /// The question was wrong, which only the store could see. Nothing changed.
    Fault(Fault),
}

impl Answer {
    /// The result as a store delivers it.
    ///
    /// # Errors
    /// If the question was wrong.
    pub fn outcome(self) -> Outcome {
        match self {
            Self::Fault(fault) => Err(fault),
            verdict => Ok(verdict),
        }
    }
}

/// One row of the table of operations: all that code outside the rules needs to know of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row<'a> {
    /// The user whose record the operation is about; `None`: it is not about a record.
    pub user: Option<&'a str>,
    /// Whether it may invalidate credentials of that user.
    pub revokes: Revokes,
    /// Whether `store.acks` applies: replicas must hold its effect before the caller receives the answer.
    pub acks: Acks,
    /// The store that answers it in observe mode.
    pub observe: Observe,
    /// The script that a server runs. [`Script::when_full`] says what happens when the server is out of memory.
    pub script: Script,
    /// The variant of [`Answer`] that answers it, unless that is a fault.
    pub answer: Kind,
}

/// When an operation may have invalidated credentials of its user. A false positive costs one more check; there are no
/// false negatives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revokes {
    Never,
    Always,
    /// If the answer says that something was revoked, ended or evicted.
    IfAnswered,
}

/// Whether replicas must hold the effect of an operation before its caller receives the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acks {
    Ignored,
    Awaited,
}

/// The store that answers an operation in observe mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Observe {
    /// The trial, which holds the changes that enforcement would have made.
    Trial,
    /// The real store.
    Real,
    /// Both, in several steps.
    Steps,
}

/// A variant of [`Answer`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Decision,
    Admission,
    Session,
    Sessions,
    Flag,
    Count,
    Generation,
    Consumption,
    ApiKey,
    Family,
    Key,
    Applied,
    Turn,
    Validity,
    Pong,
}

impl Act<'_> {
    /// The table of operations: one row for each.
    #[must_use]
    #[expect(clippy::too_many_lines, reason = "one flat match: a row for each operation")]
    pub fn row(&self) -> Row<'_> {
        use Acks::{Awaited, Ignored};
        use Kind::{
            Admission, Applied, Consumption, Count, Decision, Flag, Generation, Key, Pong, Session,
            Sessions,
        };
        use Observe::{Real, Steps, Trial};
        use Revokes::{Always, IfAnswered, Never};
        let row = |user, revokes, acks, observe, script, answer| Row {
            user,
            revokes,
            acks,
            observe,
            script,
            answer,
        };
        match self {
            Self::Decide(asked) => {
                row(of(&asked.user), IfAnswered, Ignored, Steps, Script::Decide, Decision)
            }
            Self::Admit(asked) => {
                row(of(&asked.user), IfAnswered, Awaited, Steps, Script::Admit, Admission)
            }
            Self::Touch { user, .. } => {
                row(of(user), Never, Ignored, Trial, Script::Touch, Session)
            }
            Self::End { user, .. } => row(of(user), IfAnswered, Awaited, Trial, Script::End, Flag),
            Self::EndAll { user, .. } => {
                row(of(user), IfAnswered, Awaited, Trial, Script::End, Count)
            }
            Self::List { user, .. } => row(of(user), Never, Ignored, Trial, Script::List, Sessions),
            Self::RevokeToken { user, .. } => {
                row(of(user), Always, Awaited, Real, Script::RevokeToken, Flag)
            }
            Self::IsRevoked { user, .. } => {
                row(of(user), Never, Ignored, Real, Script::IsRevoked, Flag)
            }
            Self::RevokeUser { user, .. } | Self::BlockUser { user, .. } => {
                row(of(user), Always, Awaited, Steps, Script::RevokeUser, Count)
            }
            Self::UnblockUser { user } => {
                row(of(user), Never, Ignored, Real, Script::UnblockUser, Flag)
            }
            Self::IsBlocked { user } => {
                row(of(user), Never, Ignored, Real, Script::IsBlocked, Flag)
            }
            Self::NextGeneration { user } => {
                row(of(user), Never, Ignored, Real, Script::NextGeneration, Generation)
            }
            Self::Consume(_) => row(None, Never, Ignored, Trial, Script::Consume, Consumption),
            Self::AddUnits(_) => row(None, Never, Ignored, Trial, Script::AddUnits, Consumption),
            Self::Refund(asked) => {
                row(asked.user.as_deref(), Never, Ignored, Trial, Script::Refund, Flag)
            }
            Self::ReceiptKey { .. } => row(None, Never, Ignored, Trial, Script::ReceiptKey, Key),
            Self::ResetQuotas { .. } => row(None, Never, Ignored, Trial, Script::ResetQuotas, Flag),
            Self::ApiKey(KeyOp::Find(_)) => {
                row(None, Never, Ignored, Real, Script::KeyFind, Kind::ApiKey)
            }
            Self::ApiKey(KeyOp::Claim { .. }) => {
                row(None, Never, Ignored, Real, Script::KeyClaim, Kind::ApiKey)
            }
            Self::ApiKey(KeyOp::UpdateIndex(_)) => {
                row(None, Never, Ignored, Real, Script::KeyUpdateIndex, Kind::ApiKey)
            }
            Self::ApiKey(KeyOp::Create(new)) => {
                row(of(&new.place.owner), Never, Ignored, Real, Script::KeyCreate, Kind::ApiKey)
            }
            Self::ApiKey(KeyOp::Use(asked)) => {
                let user = of(&asked.decide.user);
                row(user, IfAnswered, Ignored, Steps, Script::KeyUse, Kind::ApiKey)
            }
            Self::ApiKey(KeyOp::Rotate { place, .. }) => {
                row(of(&place.owner), IfAnswered, Ignored, Real, Script::KeyRotate, Kind::ApiKey)
            }
            Self::ApiKey(KeyOp::Revoke(place)) => {
                row(of(&place.owner), IfAnswered, Awaited, Real, Script::KeyRevoke, Kind::ApiKey)
            }
            Self::ApiKey(KeyOp::Add { place, .. }) => {
                row(of(&place.owner), Never, Ignored, Real, Script::KeyAdd, Kind::ApiKey)
            }
            Self::ApiKey(KeyOp::Update { place, patch, .. }) => {
                let revokes = if patch.expires_ms.is_some() { Always } else { Never };
                row(of(&place.owner), revokes, Ignored, Real, Script::KeyUpdate, Kind::ApiKey)
            }
            Self::ApiKey(KeyOp::Ids { owner, .. }) => {
                row(of(owner), Never, Ignored, Real, Script::KeyIds, Kind::ApiKey)
            }
            Self::ApiKey(KeyOp::Get { owner, .. }) => {
                row(of(owner), Never, Ignored, Real, Script::KeyGet, Kind::ApiKey)
            }
            Self::Family(FamilyOp::Find { .. }) => {
                row(None, Never, Ignored, Trial, Script::FamilyFind, Kind::Family)
            }
            Self::Family(FamilyOp::Login(login)) => {
                let user = of(&login.admit.user);
                row(user, IfAnswered, Awaited, Steps, Script::Login, Kind::Family)
            }
            // A refresh always revokes: the token that it spends or, if that was spent before, the session.
            Self::Family(FamilyOp::Refresh(asked)) => {
                let user = of(&asked.token.user);
                row(user, IfAnswered, Awaited, Steps, Script::Refresh, Kind::Family)
            }
            Self::Family(FamilyOp::Logout(token)) => {
                row(of(&token.user), IfAnswered, Awaited, Trial, Script::Logout, Kind::Family)
            }
            Self::Apply(asked) => {
                let script = asked.credential.as_ref().map(|_| Script::ApplyWithCredential);
                let script = script.unwrap_or(Script::Apply);
                row(of(&asked.user), Never, Ignored, Real, script, Applied)
            }
            Self::Once { .. } => row(None, Never, Ignored, Real, Script::Once, Flag),
            Self::OnceRelease { .. } => row(None, Never, Ignored, Real, Script::OnceRelease, Flag),
            Self::Turn(TurnOp::Ask(asked)) => {
                let script = asked.credential.as_ref().map(|_| Script::TurnAskWithCredential);
                row(None, Never, Awaited, Real, script.unwrap_or(Script::TurnAsk), Kind::Turn)
            }
            Self::Turn(TurnOp::Leave { .. }) => {
                row(None, Never, Ignored, Real, Script::TurnLeave, Flag)
            }
            Self::Turn(TurnOp::Extend { .. }) => {
                row(None, Never, Ignored, Real, Script::TurnExtend, Kind::Turn)
            }
            Self::CheckCredential { user, .. } => {
                row(of(user), Never, Ignored, Real, Script::CheckCredential, Kind::Validity)
            }
            Self::Ping => row(None, Never, Ignored, Steps, Script::Check, Pong),
        }
    }

    /// The user whose record the operation is about, if it is about one.
    #[must_use]
    pub fn user(&self) -> Option<&str> {
        self.row().user
    }

    /// The user whose credentials the operation may have invalidated.
    #[must_use]
    pub fn invalidates(&self, verdict: &Answer) -> Option<&str> {
        let row = self.row();
        let revoked = match row.revokes {
            Revokes::Never => false,
            Revokes::Always => !matches!(verdict, Answer::Fault(_)),
            Revokes::IfAnswered => verdict.has_revoked(),
        };
        row.user.filter(|_| revoked)
    }

    /// The charge of a request, and its user.
    #[must_use]
    pub fn charge(&self) -> Option<(&str, &Charge<'_>)> {
        let decide = match self {
            Self::Decide(decide) => decide,
            Self::ApiKey(KeyOp::Use(asked)) => &asked.decide,
            _ => return None,
        };
        decide.charge.as_ref().map(|charge| (&*decide.user, charge))
    }
}

impl Op<'_> {
    /// The same operation with owned names, for stores that answer later.
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
            Act::IsBlocked { user } => Act::IsBlocked { user: own(user) },
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
            Act::CheckCredential { user, credential } => {
                Act::CheckCredential { user: own(user), credential: credential.into_owned() }
            }
            Act::Ping => Act::Ping,
        };
        Op { act, horizon_ms: self.horizon_ms, most_lead_ms: self.most_lead_ms }
    }
}

impl Answer {
    /// The decision in the answer, if it has one.
    #[must_use]
    pub const fn decision(&self) -> Option<&Decision> {
        match self {
            Self::Decision(decision) => Some(decision),
            Self::ApiKey(KeyAnswer::Used(used)) => Some(&used.decision),
            _ => None,
        }
    }

    /// The decision in the answer, to be changed.
    pub const fn decision_mut(&mut self) -> Option<&mut Decision> {
        match self {
            Self::Decision(decision) => Some(decision),
            Self::ApiKey(KeyAnswer::Used(used)) => Some(&mut used.decision),
            _ => None,
        }
    }

    /// Whether the answer to an operation of [`Revokes::IfAnswered`] says that something was revoked, ended or evicted.
    fn has_revoked(&self) -> bool {
        match self {
            Self::Flag(done) | Self::ApiKey(KeyAnswer::Done(done)) => *done,
            Self::Count(ended) => *ended > 0,
            Self::Admission(admission) => !admission.evicted.is_empty(),
            Self::Decision(decision) => !decision.evicted.is_empty(),
            Self::ApiKey(KeyAnswer::Used(used)) => !used.decision.evicted.is_empty(),
            Self::Family(answer) => answer.has_ended_session(),
            _ => false,
        }
    }

    /// The variant; `None`: a fault.
    #[must_use]
    pub const fn kind(&self) -> Option<Kind> {
        Some(match self {
            Self::Decision(_) => Kind::Decision,
            Self::Admission(_) => Kind::Admission,
            Self::Session(_) => Kind::Session,
            Self::Sessions(_) => Kind::Sessions,
            Self::Flag(_) => Kind::Flag,
            Self::Count(_) => Kind::Count,
            Self::Generation(_) => Kind::Generation,
            Self::Consumption(_) => Kind::Consumption,
            Self::ApiKey(_) => Kind::ApiKey,
            Self::Family(_) => Kind::Family,
            Self::Key(_) => Kind::Key,
            Self::Applied(_) => Kind::Applied,
            Self::Turn(_) => Kind::Turn,
            Self::Validity(_) => Kind::Validity,
            Self::Pong(_) => Kind::Pong,
            Self::Fault(_) => return None,
        })
    }

    /// Whether it allows a request.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        self.decision().is_some_and(|decision| decision.reason == Reason::Allowed)
    }
}

/// The result of an operation.
pub type Outcome = Result<Answer, Fault>;

/// A server that replicates a primary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replica {
    /// `host:port`, as the primary reports it.
    pub address: String,
    /// The bytes of the primary's stream that it has not confirmed.
    pub lag_bytes: u64,
    /// It follows the stream. Otherwise it still receives the initial copy.
    pub online: bool,
}

/// The user of a row.
const fn of(user: &str) -> Option<&str> {
    Some(user)
}
