//! What crosses to JavaScript: the one place where faults become errors and verdicts become objects.

use super::api_key::{
    NativeKey, NativeKeyInfo, NativeKeyUse, NativePlace, NativePointing, key_object,
};
use super::grant::{NativeGrant, NativeRefusal};
use super::turn::{NativeTurn, turn};
use crate::core::base::error::{Fault, FaultCode};
use crate::core::base::reason::Reason;
use crate::core::counter::counter::Applied;
use crate::core::op::Replica;
use crate::core::op::Verdict;
use crate::core::quota::state::Consumption;
use crate::core::request::request::Admission;
use crate::core::session::session::{Page, Session};
use crate::core::store::{Health, Notice, Topology};
use crate::core::turn::ops::number_of;
use napi_derive::napi;

/// A status that puts the public code on the JavaScript error.
pub struct Code(&'static str);

impl AsRef<str> for Code {
    fn as_ref(&self) -> &str {
        self.0
    }
}

impl From<napi::Status> for Code {
    fn from(_: napi::Status) -> Self {
        Self(FaultCode::Input.as_str())
    }
}

/// What an exported function returns.
pub type Result<T> = std::result::Result<T, napi::Error<Code>>;

/// A fault as an error with its public code.
pub fn error(fault: Fault) -> napi::Error<Code> {
    napi::Error::new(Code(fault.code.as_str()), fault.message)
}

/// A live session.
#[napi(object)]
pub struct NativeSession {
    pub session_id: String,
    pub user_id: String,
    pub created_at: f64,
    pub last_active_at: f64,
    pub expires_at: f64,
    /// A JSON object.
    pub device: Option<String>,
}

/// Where a page of sessions begins.
#[napi(object)]
pub struct NativeCursor {
    pub at: f64,
    pub skip: f64,
}

/// What an admission came to.
#[napi(object)]
pub struct NativeAdmission {
    pub admitted: bool,
    pub reason: Option<String>,
    pub active: f64,
    pub limit: Option<f64>,
    pub retry_after_ms: Option<f64>,
    pub existing: bool,
    pub session: Option<NativeSession>,
    pub evicted: Vec<NativeSession>,
}

/// What a charge came to.
#[napi(object)]
pub struct NativeConsumption {
    pub allowed: bool,
    pub limit: f64,
    pub remaining: f64,
    pub reset_at: Option<f64>,
    pub retry_after_ms: Option<f64>,
    pub receipt: Option<String>,
    pub replayed: bool,
}

/// What changes of counters came to.
#[napi(object)]
pub struct NativeApplied {
    pub applied: bool,
    pub replayed: bool,
    /// In the order of the changes.
    pub values: Vec<f64>,
}

/// What is known of the store.
#[napi(object)]
pub struct NativeHealth {
    pub connected: bool,
    pub version: Option<String>,
    pub topology: String,
    pub primaries: Vec<String>,
    pub unreachable: Vec<String>,
    pub warnings: Vec<String>,
    pub damaged: bool,
}

/// What a key set that was fetched came to.
#[napi(object)]
pub struct NativeKeySet {
    /// Keys that tokens are verified with.
    pub usable: f64,
    /// Why keys were passed over.
    pub passed_over: Vec<String>,
}

/// What became of the tokens that were asked about before.
#[napi(object)]
pub struct NativeCache {
    pub hits: f64,
    pub misses: f64,
    pub bytes: f64,
}

/// A server that repeats what a primary does.
#[napi(object)]
pub struct NativeReplica {
    pub address: String,
    pub lag_bytes: f64,
    pub online: bool,
}

/// What is told of the store, unasked.
#[napi(object)]
pub struct NativeEvent {
    /// `store-error` or `store-recovered`; `turn`, `revoked` or `listening`, which concern those who wait or watch.
    pub r#type: String,
    pub message: Option<String>,
    /// Of `turn`: the number of the ticket that should ask.
    pub ticket: Option<f64>,
    /// Of `revoked`: whose credentials should be asked for.
    pub user_id: Option<String>,
}

/// A notice as an event, where it is one.
pub fn event(notice: Notice) -> Option<NativeEvent> {
    let (name, message, ticket, user_id) = match notice {
        Notice::Opened => return None,
        Notice::Lost(message) => ("store-error", Some(message), None, None),
        Notice::Recovered => ("store-recovered", None, None, None),
        Notice::Damaged => ("damaged", None, None, None),
        Notice::Turn(ticket) => ("turn", None, Some(number(number_of(&ticket))), None),
        Notice::Revoked(user) => ("revoked", None, None, Some(user)),
        Notice::Listening => ("listening", None, None, None),
    };
    Some(NativeEvent { r#type: name.to_owned(), message, ticket, user_id })
}

/// What is known of the store, as an object.
pub fn health(health: Health) -> NativeHealth {
    let Health { connected, version, topology, primaries, unreachable, warnings, damaged } = health;
    let topology = match topology {
        Topology::Embedded => "embedded",
        Topology::Standalone => "standalone",
        Topology::Sentinel => "sentinel",
        Topology::Cluster => "cluster",
    };
    NativeHealth {
        connected,
        version,
        topology: topology.to_owned(),
        primaries,
        unreachable,
        warnings,
        damaged,
    }
}

/// What an operation came to; which member is set depends on the operation.
#[napi(object)]
#[derive(Default)]
pub struct Outcome {
    pub flag: Option<bool>,
    pub count: Option<f64>,
    pub text: Option<String>,
    pub session: Option<NativeSession>,
    pub sessions: Option<Vec<NativeSession>>,
    /// Where the next page of sessions begins.
    pub next: Option<NativeCursor>,
    pub admission: Option<NativeAdmission>,
    pub consumption: Option<NativeConsumption>,
    pub key: Option<NativeKey>,
    pub place: Option<NativePlace>,
    pub key_ids: Option<Vec<String>>,
    /// Where the next page of ids begins.
    pub next_key: Option<String>,
    pub key_infos: Option<Vec<NativeKeyInfo>>,
    pub pointings: Option<Vec<NativePointing>>,
    pub key_use: Option<NativeKeyUse>,
    pub applied: Option<NativeApplied>,
    pub turn: Option<NativeTurn>,
    pub replicas: Option<Vec<NativeReplica>>,
    pub grant: Option<NativeGrant>,
    pub refusal: Option<NativeRefusal>,
}

/// Counts and instants fit a double: milliseconds until the year 287396.
#[allow(clippy::cast_precision_loss)]
pub const fn number(value: u64) -> f64 {
    value as f64
}

fn session(session: Session) -> NativeSession {
    NativeSession {
        session_id: session.id,
        user_id: session.user,
        created_at: number(session.times.created_ms),
        last_active_at: number(session.times.last_active_ms),
        expires_at: number(session.times.expires_ms),
        device: session.device,
    }
}

/// What an admission came to, as an object.
pub fn admission(admission: Admission) -> NativeAdmission {
    let admitted = admission.reason == Reason::Allowed;
    let reason = match admission.reason {
        Reason::Allowed => None,
        // The public name for it among admissions: see `Admission` in index.d.ts.
        Reason::UserBlocked => Some("blocked".to_owned()),
        reason => Some(reason.answer().0.to_owned()),
    };
    NativeAdmission {
        admitted,
        reason,
        active: number(admission.active),
        limit: admission.limit.map(number),
        retry_after_ms: admission.retry_after_ms.map(number),
        existing: admission.existing,
        session: admission.session.map(session),
        evicted: admission.evicted.into_iter().map(session).collect(),
    }
}

/// What a charge came to, as an object, without its receipt.
pub fn consumption(consumption: Consumption) -> NativeConsumption {
    NativeConsumption {
        allowed: consumption.allowed,
        limit: number(consumption.limit),
        remaining: number(consumption.remaining),
        reset_at: consumption.reset_ms.map(number),
        retry_after_ms: consumption.retry_after_ms.map(number),
        receipt: None,
        replayed: consumption.replayed,
    }
}

/// Values of counters are safe integers, which a double holds.
#[allow(clippy::cast_precision_loss)]
fn applied(Applied { applied, replayed, values }: Applied) -> NativeApplied {
    NativeApplied { applied, replayed, values: values.into_iter().map(|v| v as f64).collect() }
}

fn replica(Replica { address, lag_bytes, online }: Replica) -> NativeReplica {
    NativeReplica { address, lag_bytes: number(lag_bytes), online }
}

/// A verdict as an object. Decisions go as numbers instead, and generations become tokens first.
pub fn object(verdict: Verdict) -> Outcome {
    let mut outcome = Outcome::default();
    match verdict {
        Verdict::Flag(flag) => outcome.flag = Some(flag),
        Verdict::Count(count) => outcome.count = Some(number(count)),
        Verdict::Session(found) => outcome.session = found.map(session),
        Verdict::Sessions(Page { sessions, next }) => {
            outcome.sessions = Some(sessions.into_iter().map(session).collect());
            outcome.next =
                next.map(|next| NativeCursor { at: number(next.at), skip: number(next.skip) });
        }
        Verdict::Admission(it) => outcome.admission = Some(admission(*it)),
        Verdict::Consumption(it) => outcome.consumption = Some(consumption(it)),
        Verdict::Generation(generation) => outcome.count = Some(number(generation)),
        Verdict::Applied(it) => outcome.applied = Some(applied(it)),
        Verdict::Turn(answer) => outcome.turn = Some(turn(answer)),
        Verdict::Standing(reason) => outcome.count = Some(number(reason as u64)),
        Verdict::Pong(replicas) => {
            outcome.flag = Some(true);
            outcome.replicas = replicas.map(|all| all.into_iter().map(replica).collect());
        }
        // Delivered as what it is: see `Verdict::outcome`.
        Verdict::Fault(_) => {}
        Verdict::Decision(decision) => outcome.flag = Some(decision.reason == Reason::Allowed),
        Verdict::ApiKey(answer) => return key_object(answer),
        // They become tokens first.
        Verdict::Family(_) => {}
        // It stays with the gate.
        Verdict::Key(_) => {}
    }
    outcome
}
