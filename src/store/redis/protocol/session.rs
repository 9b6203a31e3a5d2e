//! Sessions and admissions as scripts answer them.

use super::layout::AdmissionReply;
use super::numbers::{ADMISSION_BLOCKED, ADMISSION_ENDED, ADMISSION_OK};
use super::pack::{NEVER, Unpacker};
use crate::core::base::reason::Reason;
use crate::core::request::request::Admission;
use crate::core::session::session::{Session, SessionTimes};

/// Reads what an admission came to.
pub(crate) fn admission(
    from: &mut Unpacker<'_>,
    user: &str,
    limit: Option<u64>,
) -> Option<Admission> {
    let reply = AdmissionReply::take(from)?;
    let reason = match reply.reason {
        ADMISSION_OK => Reason::Allowed,
        ADMISSION_BLOCKED => Reason::UserBlocked,
        ADMISSION_ENDED => Reason::SessionEnded,
        _ => Reason::SessionLimit,
    };
    let mut views =
        (0..reply.views).map(|_| view(from, user)).collect::<Option<Vec<_>>>()?.into_iter();
    let session = views.next().map(|(session, _)| session);
    Some(Admission {
        reason,
        session,
        existing: reply.existing,
        active: reply.live,
        limit,
        evicted: views.map(|(session, _)| session).collect(),
        retry_after_ms: (reply.retry != NEVER).then_some(reply.retry),
    })
}

/// A session, and when it was last active in microseconds.
pub(crate) fn view(from: &mut Unpacker<'_>, user: &str) -> Option<(Session, u64)> {
    let id = from.text(2)?;
    let (created_ms, last_us, expires_ms) = (from.take(6)?, from.take(7)?, from.take(6)?);
    let device = Some(from.text(4)?).filter(|device| !device.is_empty());
    let times = SessionTimes { created_ms, last_active_ms: last_us / 1000, expires_ms };
    Some((Session { id, user: user.to_owned(), times, device }, last_us))
}
