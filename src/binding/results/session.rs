//! Sessions and admissions as JavaScript objects.

use crate::binding::convert::number;
use crate::core::base::reason::Reason;
use crate::core::request::request::Admission;
use crate::core::session::session::{Cursor, Session};
use napi_derive::napi;

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

/// The result of an admission.
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

/// A session as an object.
pub fn session(session: Session) -> NativeSession {
    NativeSession {
        session_id: session.id,
        user_id: session.user,
        created_at: number(session.times.created_ms),
        last_active_at: number(session.times.last_active_ms),
        expires_at: number(session.times.expires_ms),
        device: session.device,
    }
}

/// The start of a page as an object.
pub fn cursor(cursor: Cursor) -> NativeCursor {
    NativeCursor { at: number(cursor.at), skip: number(cursor.skip) }
}

/// An admission as an object.
pub fn admission(admission: Admission) -> NativeAdmission {
    let admitted = admission.reason == Reason::Allowed;
    let reason = match admission.reason {
        Reason::Allowed => None,
        // The public name of this reason among admissions: see `Admission` in index.d.ts.
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
