//! Admission of a session: whether the rule allows one more, and which sessions it evicts.

use super::user_state::UserState;
use crate::core::base::reason::Reason;
use crate::core::request::request::{Admission, Admit};

/// Admits a session, or marks it as active if it is live.
pub fn admit(user: &mut UserState, asked: &Admit<'_>, now_ms: u64) -> Admission {
    let UserState { sessions, validity, .. } = user;
    let Admit { user, session, device, rule } = asked;
    let denied = |active, reason, retry_after_ms| Admission {
        reason,
        session: None,
        existing: false,
        active,
        limit: rule.limit,
        evicted: Vec::new(),
        retry_after_ms,
    };
    if validity.is_blocked(now_ms) {
        let retry = validity.block_left_ms(now_ms);
        return denied(sessions.active(), Reason::UserBlocked, retry);
    }
    if sessions.has_ended(session, now_ms) {
        return denied(sessions.active(), Reason::SessionEnded, None);
    }
    let existing = sessions.is_live(session);
    let mut evicted = Vec::new();
    if existing {
        sessions.touch(user, session, now_ms);
    } else {
        if !sessions.has_room(*rule) {
            // There is room when the first session ends. With a limit of 0 there never is.
            let first_end = sessions.first_end().filter(|_| rule.most() > 0);
            let retry = first_end.map(|end| end.saturating_sub(now_ms));
            return denied(sessions.active(), Reason::SessionLimit, retry);
        }
        evicted = sessions.evict_for_one(user, *rule, now_ms);
        sessions.insert(session, *rule, device.as_deref(), now_ms);
    }
    Admission {
        reason: Reason::Allowed,
        session: sessions.get_mut(session).map(|entry| entry.view(user, session)),
        existing,
        active: sessions.active(),
        limit: rule.limit,
        evicted,
        retry_after_ms: None,
    }
}
