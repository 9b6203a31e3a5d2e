//! Logins, and what is done with a refresh token, of which the family or its user is not known yet: they are asked for
//! once. Whose a family is never changes.

use crate::core::error::Fault;
use crate::core::family_op::{
    FamilyAnswer, FamilyId, FamilyOp, Login, LoginAnswer, Refresh, RefreshAnswer,
};
use crate::core::op::Verdict;
use crate::core::store;
use crate::service::issue::Request;
use crate::service::refresh_token::{RefreshToken, new_family};
use quick_cache::unsync::Cache;
use std::rc::Rc;

/// Users remembered at most, by family.
const REMEMBERED: usize = 100_000;
/// So often a login may be led on to another family before it is given up.
const TRIES: u8 = 8;

/// Whose families are that were met.
pub type Owners = Cache<FamilyId, Rc<str>>;

/// An empty memory of them.
pub fn owners() -> Owners {
    Cache::new(REMEMBERED)
}

/// What is wanted.
pub enum WantedToken {
    /// A login, and what its access token says.
    Login { login: Box<Login<'static>>, request: Request, tries: u8 },
    /// New tokens. What the access token says that the login did not.
    Refresh { request: Request, grace_ms: u64 },
    /// The end of the session.
    Logout,
}

/// One act on its way.
pub struct TokenFlow {
    pub wanted: WantedToken,
    /// The token that was presented; of a login the one that is handed out.
    pub token: RefreshToken,
    /// The user, once known.
    pub user: Option<Rc<str>>,
    /// What is to follow the presented token.
    pub candidate: Option<RefreshToken>,
}

/// What comes next.
pub enum NextToken {
    /// This is asked.
    Ask(FamilyOp<'static>),
    /// The user is known: what is wanted can be asked.
    Found,
    /// It has come to this.
    Done(store::Outcome),
}

impl TokenFlow {
    /// A login; `login` names no family yet.
    ///
    /// # Errors
    /// Where the system gives no randomness.
    pub fn login(login: Box<Login<'static>>, request: Request) -> Result<Self, Fault> {
        let token = RefreshToken::make(&login.admit.user, new_family()?)?;
        let wanted = WantedToken::Login { login, request, tries: TRIES };
        Ok(Self { wanted, token, user: None, candidate: None })
    }

    /// What is done with a token.
    pub const fn with(token: RefreshToken, wanted: WantedToken) -> Self {
        Self { wanted, token, user: None, candidate: None }
    }

    /// The first step.
    pub fn begin(&mut self, owners: &Owners) -> NextToken {
        if let WantedToken::Login { login, .. } = &mut self.wanted {
            return NextToken::Ask(login_with(login, &self.token));
        }
        let RefreshToken { bucket, family, .. } = self.token;
        match owners.get(&family) {
            Some(user) => {
                self.user = Some(Rc::clone(user));
                NextToken::Found
            }
            None => NextToken::Ask(FamilyOp::Find { bucket, family }),
        }
    }

    /// The act itself, of a token whose user is known.
    ///
    /// # Errors
    /// Where the system gives no randomness.
    pub fn act(&mut self, user: &Rc<str>) -> Result<FamilyOp<'static>, Fault> {
        let (family, presented) = (self.token.family, self.token.digest());
        let user = user.to_string().into();
        let WantedToken::Refresh { grace_ms, .. } = self.wanted else {
            return Ok(FamilyOp::Logout { user, family, presented });
        };
        let candidate = RefreshToken::make(&user, family)?;
        let (next, sealed) = (candidate.digest(), self.token.seal(&candidate)?.into());
        self.candidate = Some(candidate);
        Ok(FamilyOp::Refresh(Box::new(Refresh { user, family, presented, next, sealed, grace_ms })))
    }

    /// The step after this outcome.
    pub fn go_on(&mut self, outcome: store::Outcome, owners: &mut Owners) -> NextToken {
        match outcome {
            Ok(Verdict::Family(FamilyAnswer::Owner(Some(user)))) => {
                let user: Rc<str> = user.into();
                owners.insert(self.token.family, Rc::clone(&user));
                self.user = Some(user);
                NextToken::Found
            }
            Ok(Verdict::Family(FamilyAnswer::Owner(None))) => NextToken::Done(Ok(self.nowhere())),
            Ok(Verdict::Family(FamilyAnswer::Login(answer))) => match *answer {
                LoginAnswer::Elsewhere(family) => self.login_again(family),
                answer => {
                    NextToken::Done(Ok(Verdict::Family(FamilyAnswer::Login(Box::new(answer)))))
                }
            },
            outcome => NextToken::Done(outcome),
        }
    }

    /// There is no such family.
    fn nowhere(&self) -> Verdict {
        Verdict::Family(match self.wanted {
            WantedToken::Refresh { .. } => FamilyAnswer::Refresh(Box::new(RefreshAnswer::Invalid)),
            _ => FamilyAnswer::Done(false),
        })
    }

    /// The login's request has a session already, in this family; or none any more: then it begins a new one.
    fn login_again(&mut self, family: Option<FamilyId>) -> NextToken {
        let WantedToken::Login { login, tries, .. } = &mut self.wanted else {
            return NextToken::Done(Ok(self.nowhere()));
        };
        *tries -= 1;
        if *tries == 0 {
            let message = "other logins of the same request came between: nothing was done";
            return NextToken::Done(Err(Fault::unavailable(message)));
        }
        let made = family
            .map_or_else(new_family, Ok)
            .and_then(|family| RefreshToken::make(&login.admit.user, family));
        match made {
            Ok(token) => {
                let op = login_with(login, &token);
                self.token = token;
                NextToken::Ask(op)
            }
            Err(fault) => NextToken::Done(Err(fault)),
        }
    }
}

fn login_with(login: &mut Login<'static>, token: &RefreshToken) -> FamilyOp<'static> {
    (login.family.id, login.family.digest) = (token.family, token.digest());
    FamilyOp::Login(Box::new(login.clone()))
}
