//! What crosses to JavaScript: the one place where faults become errors and verdicts become objects.

use crate::core::error::{Fault, FaultCode};
use crate::core::op::{Admission, Decision, Verdict};
use crate::core::reason::Reason;
use crate::core::session::Session;
use napi_derive::napi;

/// Numbers in one verdict record: see `write_decision`.
pub const RECORD: usize = 10;
/// Records that one drain hands over at most.
pub const RECORDS: usize = 64;

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

/// What an operation came to; which member is set depends on the operation.
#[napi(object)]
#[derive(Default)]
pub struct Outcome {
    pub flag: Option<bool>,
    pub count: Option<f64>,
    pub text: Option<String>,
    pub session: Option<NativeSession>,
    pub sessions: Option<Vec<NativeSession>>,
    pub admission: Option<NativeAdmission>,
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

fn admission(admission: Admission) -> NativeAdmission {
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

/// A verdict as an object. Decisions go as numbers instead, and generations become tokens first.
pub fn object(verdict: Verdict) -> Outcome {
    let mut outcome = Outcome::default();
    match verdict {
        Verdict::Flag(flag) => outcome.flag = Some(flag),
        Verdict::Count(count) => outcome.count = Some(number(count)),
        Verdict::Session(found) => outcome.session = found.map(session),
        Verdict::Sessions(all) => outcome.sessions = Some(all.into_iter().map(session).collect()),
        Verdict::Admission(it) => outcome.admission = Some(admission(*it)),
        Verdict::Generation(generation) => outcome.count = Some(number(generation)),
        Verdict::Decision(decision) => outcome.flag = Some(decision.reason == Reason::Allowed),
    }
    outcome
}

/// Writes one verdict record: [0] ticket (0: inline), [1] reason, [2] flags (1: the session was looked
/// at, 2: admitted by this step, 4: the session id is the token's own id), [3] active sessions,
/// [4] limit (NaN: none), [5] created, [6] last active, [7] previously active, [8] expires,
/// [9] every reason that would have denied, as bits.
pub fn write_decision(
    record: &mut [f64],
    ticket: f64,
    decision: &Decision,
    session_is_token: bool,
) {
    let Some(view) = &decision.session else {
        record[..3].copy_from_slice(&[ticket, f64::from(decision.reason as u8), 0.0]);
        record[9] = f64::from(decision.would_deny.bits());
        return;
    };
    let flags = 1 | u8::from(decision.admitted) << 1 | u8::from(session_is_token) << 2;
    record[..RECORD].copy_from_slice(&[
        ticket,
        f64::from(decision.reason as u8),
        f64::from(flags),
        number(view.active),
        view.limit.map_or(f64::NAN, number),
        number(view.times.created_ms),
        number(view.times.last_active_ms),
        number(view.previous_active_ms),
        number(view.times.expires_ms),
        f64::from(decision.would_deny.bits()),
    ]);
}
