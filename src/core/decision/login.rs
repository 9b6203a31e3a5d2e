//! Login, refresh and logout against one user's record. Families stand only while their session does: whatever
//! ends the session ends them, and nothing more need be written.

use crate::core::base::clock::Now;
use crate::core::base::error::Fault;
use crate::core::base::reason::Reason;
use crate::core::family::family::{Family, Followed, Presented};
use crate::core::family::ops::{
    Drawn, FamilyAnswer, FamilyId, FamilyOp, Granted, KnownFamily, Login, LoginAnswer,
    PresentedToken, Refresh, RefreshAnswer,
};
use crate::core::op::Admit;
use crate::core::record::UserRecord;
use std::borrow::Cow;

/// What is told of a session id that is known.
#[must_use]
pub fn known_session() -> Fault {
    Fault::input("sessionId is known already: a login begins a session of its own, leave it out")
}

impl UserRecord {
    /// Decides one operation on the user's families, and carries it out where it is allowed.
    ///
    /// # Errors
    /// `ERR_LATCHGATE_INPUT` where a login names a session that is known; nothing was done.
    pub(crate) fn family(
        &mut self,
        op: &FamilyOp<'_>,
        now: Now<'_>,
    ) -> Result<FamilyAnswer, Fault> {
        Ok(match op {
            // About no record: the store has no business here.
            FamilyOp::Find { .. } => FamilyAnswer::Known(None),
            FamilyOp::Login(login) => FamilyAnswer::Login(Box::new(self.log_in(login, now)?)),
            FamilyOp::Refresh(asked) => self.refresh(asked, now),
            FamilyOp::Logout(token) => self.log_out(token, now.ms()),
        })
    }

    /// What a process may know of the family of that id, where this user has it.
    #[must_use]
    pub fn known_family(&self, id: &FamilyId, user: &str, now_ms: u64) -> Option<KnownFamily> {
        self.families.as_ref()?.known(id, user, now_ms)
    }

    fn log_out(&mut self, token: &PresentedToken<'_>, now_ms: u64) -> FamilyAnswer {
        let families = self.families.as_mut();
        let found = families.and_then(|families| families.get_mut(&token.family, now_ms));
        let Some(family) = found.filter(|family| family.has_key(&token.key)) else {
            return FamilyAnswer::Unknown;
        };
        if family.presented(token) == Presented::Unknown {
            return FamilyAnswer::Done(false);
        }
        let (session, end_ms) = (family.session.clone(), family.absolute_end_ms);
        FamilyAnswer::Done(self.lives(&session, end_ms) && self.end(&session, now_ms))
    }

    /// Whether the session lives, and is the one that ends then: an id may come back when all is forgotten.
    fn lives(&mut self, session: &str, absolute_end_ms: u64) -> bool {
        let entry = self.sessions.get_mut(session);
        entry.is_some_and(|entry| entry.absolute_end_ms == absolute_end_ms)
    }

    fn log_in(&mut self, login: &Login<'_>, now: Now<'_>) -> Result<LoginAnswer, Fault> {
        let now_ms = now.ms();
        let Login { admit, given, request, family, grace_ms } = login;
        let Admit { user, rule, device, .. } = admit;
        let known =
            request.and_then(|name| self.families.as_ref()?.request(&name, now_ms).cloned());
        let known = known.filter(|known| self.lives(&known.session, known.absolute_end_ms));
        let admit = match &known {
            Some(known)
                if (known.family, known.key) != (family.id, family.key)
                    && !self.is_blocked(now_ms) =>
            {
                return Ok(LoginAnswer::Elsewhere(Some((known.family, known.key))));
            }
            Some(known) => Admit {
                user: Cow::Borrowed(user),
                session: Cow::Borrowed(&known.session),
                device: None,
                rule: *rule,
            },
            None => Admit {
                user: Cow::Borrowed(user),
                session: Cow::Borrowed(&admit.session),
                device: device.as_deref().map(Cow::Borrowed),
                rule: *rule,
            },
        };
        let session = &*admit.session;
        let is_known = self.sessions.contains(session) || self.ended.contains(session, now_ms);
        if known.is_none() && *given && is_known && !self.is_blocked(now_ms) {
            return Err(known_session());
        }
        let is_taken = self.families.as_ref().is_some_and(|all| all.has(&family.id, now_ms));
        if known.is_none() && is_taken && !self.is_blocked(now_ms) {
            return Ok(LoginAnswer::Elsewhere(None));
        }
        let admission = self.admit(&admit, now_ms);
        let end_ms = self.sessions.get_mut(session).map_or(0, |entry| entry.absolute_end_ms);
        if admission.reason != Reason::Allowed {
            return Ok(LoginAnswer::Refused(admission));
        }
        let families = self.families.get_or_insert_default();
        let expires_ms = families.log_in(family, (session, end_ms), *request, *grace_ms, now_ms);
        let generation = self.next_generation(now.us);
        Ok(LoginAnswer::Admitted(admission, Drawn { generation, expires_ms }))
    }

    /// Reads first; a refusal changes nothing, but for one that is used again too late.
    fn refresh(&mut self, asked: &Refresh<'_>, now: Now<'_>) -> FamilyAnswer {
        let Some(mut families) = self.families.take() else {
            return FamilyAnswer::Unknown;
        };
        let token = &asked.token;
        let found = families.get_mut(&token.family, now.ms());
        let answer = match found.filter(|family| family.has_key(&token.key)) {
            None => FamilyAnswer::Unknown,
            Some(family) => FamilyAnswer::Refresh(Box::new(self.refresh_in(family, asked, now))),
        };
        families.changed(&token.family);
        self.families = Some(families);
        answer
    }

    fn refresh_in(
        &mut self,
        family: &mut Family,
        asked: &Refresh<'_>,
        now: Now<'_>,
    ) -> RefreshAnswer {
        let now_ms = now.ms();
        let presented = family.presented(&asked.token);
        if presented == Presented::Unknown {
            return RefreshAnswer::Invalid;
        }
        if self.is_blocked(now_ms) {
            return RefreshAnswer::Revoked;
        }
        if family.absolute_end_ms <= now_ms {
            return RefreshAnswer::Expired;
        }
        if !self.lives(&family.session, family.absolute_end_ms) {
            let timed_out = self.ended.has_timed_out(&family.session, now_ms);
            return if timed_out { RefreshAnswer::Expired } else { RefreshAnswer::Revoked };
        }
        let sealed = if presented == Presented::Current {
            if family.expires_ms() <= now_ms {
                return RefreshAnswer::Expired;
            }
            family.rotate(asked, now_ms);
            Vec::new()
        } else {
            match family.followed(&asked.token, now_ms) {
                Followed::By(_) if family.expires_ms() <= now_ms => return RefreshAnswer::Expired,
                Followed::By(sealed) => sealed,
                Followed::ByLogin => return RefreshAnswer::Invalid,
                Followed::Long => {
                    family.end();
                    self.end(&family.session, now_ms);
                    return RefreshAnswer::Reused(family.session.to_string());
                }
            }
        };
        self.touch(&asked.token.user, &family.session, now_ms);
        let drawn =
            Drawn { generation: self.next_generation(now.us), expires_ms: family.expires_ms() };
        RefreshAnswer::Granted(Granted {
            session: family.session.to_string(),
            claims: family.claims.as_deref().map(str::to_owned),
            scope: family.scope.as_deref().map(str::to_owned),
            drawn,
            sealed,
        })
    }
}
