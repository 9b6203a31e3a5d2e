//! Login, refresh and logout against one user's state. A family is valid only while its session is live: the end of
//! the session ends the family without a further write.

use super::admission::admit;
use super::user_state::UserState;
use crate::core::base::clock::Now;
use crate::core::base::error::Fault;
use crate::core::base::reason::Reason;
use crate::core::family::family::{Families, Family, Successor, TokenStatus};
use crate::core::family::ops::{
    Drawn, FamilyAnswer, FamilyOp, Granted, Login, LoginAnswer, PresentedToken, Refresh,
    RefreshAnswer,
};
use crate::core::request::request::Admit;
use std::borrow::Cow;

/// The fault of a login that names a session that exists.
#[must_use]
pub fn known_session() -> Fault {
    Fault::input("sessionId is known already: a login begins a session of its own, leave it out")
}

/// The families of one user; `None`: there are none.
type FamilySlot = Option<Box<Families>>;

/// Decides one operation on the user's families, and carries it out if it is allowed.
///
/// # Errors
/// `ERR_LATCHGATE_INPUT` if a login names a session that exists. Then nothing changed.
pub fn family(
    user: &mut UserState,
    families: &mut FamilySlot,
    op: &FamilyOp<'_>,
    now: Now<'_>,
) -> Result<FamilyAnswer, Fault> {
    Ok(match op {
        // Not about a record: a store never asks a record.
        FamilyOp::Find { .. } => FamilyAnswer::Known(None),
        FamilyOp::Login(login) => {
            FamilyAnswer::Login(Box::new(log_in(user, families, login, now)?))
        }
        FamilyOp::Refresh(asked) => refresh(user, families, asked, now),
        FamilyOp::Logout(token) => log_out(user, families, token, now.ms()),
    })
}

fn log_out(
    user: &mut UserState,
    families: &mut FamilySlot,
    token: &PresentedToken<'_>,
    now_ms: u64,
) -> FamilyAnswer {
    let found = families.as_mut().and_then(|families| families.get_mut(&token.family, now_ms));
    let Some(family) = found.filter(|family| family.has_key(&token.key)) else {
        return FamilyAnswer::Unknown;
    };
    if family.status(token) == TokenStatus::Unknown {
        return FamilyAnswer::Done(false);
    }
    let live = is_same_session(user, &family.session, family.absolute_end_ms);
    FamilyAnswer::Done(live && user.sessions.end(&family.session, now_ms))
}

/// Whether the session is live and has that absolute end. A session id can return after its tombstone expired.
fn is_same_session(user: &mut UserState, session: &str, absolute_end_ms: u64) -> bool {
    let entry = user.sessions.get_mut(session);
    entry.is_some_and(|entry| entry.absolute_end_ms == absolute_end_ms)
}

fn log_in(
    user: &mut UserState,
    families: &mut FamilySlot,
    login: &Login<'_>,
    now: Now<'_>,
) -> Result<LoginAnswer, Fault> {
    let now_ms = now.ms();
    let Login { admit: asked, given, request, family, grace_ms } = login;
    let is_blocked = user.validity.is_blocked(now_ms);
    let known = request.and_then(|name| families.as_ref()?.request(&name, now_ms).cloned());
    let known = known.filter(|known| is_same_session(user, &known.session, known.absolute_end_ms));
    let (session, device) = match &known {
        Some(known) if (known.family, known.key) != (family.id, family.key) && !is_blocked => {
            return Ok(LoginAnswer::Elsewhere(Some((known.family, known.key))));
        }
        Some(known) => (&*known.session, None),
        None => (&*asked.session, asked.device.as_deref().map(Cow::Borrowed)),
    };
    let exists = user.sessions.is_live(session) || user.sessions.has_ended(session, now_ms);
    if known.is_none() && *given && exists && !is_blocked {
        return Err(known_session());
    }
    let is_taken = families.as_ref().is_some_and(|all| all.has(&family.id, now_ms));
    if known.is_none() && is_taken && !is_blocked {
        return Ok(LoginAnswer::Elsewhere(None));
    }
    let (owner, rule) = (Cow::Borrowed(&*asked.user), asked.rule);
    let asked = Admit { user: owner, session: Cow::Borrowed(session), device, rule };
    let admission = admit(user, &asked, now_ms);
    let end_ms = user.sessions.get_mut(session).map_or(0, |entry| entry.absolute_end_ms);
    if admission.reason != Reason::Allowed {
        return Ok(LoginAnswer::Refused(admission));
    }
    let families = families.get_or_insert_default();
    let expires_ms = families.log_in(family, (session, end_ms), *request, *grace_ms, now_ms);
    let generation = user.validity.next_generation(now.us);
    Ok(LoginAnswer::Admitted(admission, Drawn { generation, expires_ms }))
}

/// Reads first. A refusal changes nothing, unless the token was reused after the grace window.
fn refresh(
    user: &mut UserState,
    families: &mut FamilySlot,
    asked: &Refresh<'_>,
    now: Now<'_>,
) -> FamilyAnswer {
    let Some(families) = families else {
        return FamilyAnswer::Unknown;
    };
    let token = &asked.token;
    let found = families.get_mut(&token.family, now.ms());
    let answer = match found.filter(|family| family.has_key(&token.key)) {
        None => FamilyAnswer::Unknown,
        Some(family) => FamilyAnswer::Refresh(Box::new(refresh_in(user, family, asked, now))),
    };
    families.changed(&token.family);
    answer
}

fn refresh_in(
    user: &mut UserState,
    family: &mut Family,
    asked: &Refresh<'_>,
    now: Now<'_>,
) -> RefreshAnswer {
    let now_ms = now.ms();
    let presented = family.status(&asked.token);
    if presented == TokenStatus::Unknown {
        return RefreshAnswer::Invalid;
    }
    if user.validity.is_blocked(now_ms) {
        return RefreshAnswer::Revoked;
    }
    if family.absolute_end_ms <= now_ms {
        return RefreshAnswer::Expired;
    }
    if !is_same_session(user, &family.session, family.absolute_end_ms) {
        let timed_out = user.sessions.has_timed_out(&family.session, now_ms);
        return if timed_out { RefreshAnswer::Expired } else { RefreshAnswer::Revoked };
    }
    let sealed = if presented == TokenStatus::Current {
        if family.expires_ms() <= now_ms {
            return RefreshAnswer::Expired;
        }
        family.rotate(asked, now_ms);
        Vec::new()
    } else {
        match family.successor(&asked.token, now_ms) {
            Successor::By(_) if family.expires_ms() <= now_ms => return RefreshAnswer::Expired,
            Successor::By(sealed) => sealed,
            Successor::ByLogin => return RefreshAnswer::Invalid,
            Successor::Long => {
                family.end();
                user.sessions.end(&family.session, now_ms);
                return RefreshAnswer::Reused(family.session.to_string());
            }
        }
    };
    user.sessions.touch(&asked.token.user, &family.session, now_ms);
    let generation = user.validity.next_generation(now.us);
    RefreshAnswer::Granted(Granted {
        session: family.session.to_string(),
        claims: family.claims.as_deref().map(str::to_owned),
        scope: family.scope.as_deref().map(str::to_owned),
        drawn: Drawn { generation, expires_ms: family.expires_ms() },
        sealed,
    })
}
