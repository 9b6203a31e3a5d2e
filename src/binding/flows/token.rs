//! Logins, and what is done with a refresh token, of which the family or its user is not known yet: the family is looked up
//! once, and remembered. The store compares what is remembered with what it has; where they differ the family is looked up
//! once more.

use crate::core::base::error::Fault;
use crate::core::family::ops::{
    FamilyAnswer, FamilyId, FamilyKey, FamilyOp, KnownFamily, Login, LoginAnswer, PresentedToken,
    Refresh, RefreshAnswer, Serial,
};
use crate::core::op::{Answer, Outcome};
use crate::tokens::jwt::issue::Request;
use crate::tokens::opaque::refresh_token::{RefreshToken, new_branch, new_family, new_key};
use quick_cache::unsync::Cache;
use std::rc::Rc;

/// Families remembered at most.
const REMEMBERED: usize = 100_000;
/// So often a login may be led on to another family before it is given up.
const TRIES: u8 = 8;

/// What is remembered of a family.
pub struct Owner {
    /// Its user.
    pub user: Rc<str>,
    /// Its key.
    pub key: FamilyKey,
}

/// Families that were met.
pub type Owners = Cache<FamilyId, Rc<Owner>>;

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
    /// What is known of the family.
    pub owner: Option<Rc<Owner>>,
    /// What is to follow the presented token.
    pub candidate: Option<RefreshToken>,
    /// What is known of the family was remembered, and not looked up by this act.
    remembered: bool,
}

/// What comes next.
pub enum NextToken {
    /// This is asked.
    Ask(FamilyOp<'static>),
    /// The family is known, and the token authentic: what is wanted can be asked.
    Found(Rc<Owner>),
    /// It has come to this.
    Done(Outcome),
}

impl TokenFlow {
    /// A login; `login` names no family yet.
    ///
    /// # Errors
    /// Where the system gives no randomness.
    pub fn login(mut login: Box<Login<'static>>, request: Request) -> Result<Self, Fault> {
        let token = token_in(&mut login, new_family()?, new_key()?)?;
        let wanted = WantedToken::Login { login, request, tries: TRIES };
        Ok(Self { wanted, token, owner: None, candidate: None, remembered: false })
    }

    /// What is done with a token.
    pub const fn with(token: RefreshToken, wanted: WantedToken) -> Self {
        Self { wanted, token, owner: None, candidate: None, remembered: false }
    }

    /// The first step.
    pub fn begin(&mut self, owners: &Owners) -> NextToken {
        if let WantedToken::Login { login, .. } = &self.wanted {
            return NextToken::Ask(FamilyOp::Login(login.clone()));
        }
        match owners.get(&self.token.family) {
            // What is remembered may be of a family that is there no more: then that is looked up.
            Some(owner) if self.token.is_authentic(&owner.key) => {
                self.remembered = true;
                self.found(Rc::clone(owner))
            }
            _ => self.find(),
        }
    }

    fn find(&mut self) -> NextToken {
        self.remembered = false;
        let RefreshToken { bucket, family, .. } = self.token;
        NextToken::Ask(FamilyOp::Find { bucket, family })
    }

    fn found(&mut self, owner: Rc<Owner>) -> NextToken {
        self.owner = Some(Rc::clone(&owner));
        NextToken::Found(owner)
    }

    /// The act itself, of an authentic token whose family is known.
    ///
    /// # Errors
    /// Where the system gives no randomness.
    pub fn act(&mut self, owner: &Owner) -> Result<FamilyOp<'static>, Fault> {
        let Owner { user, key } = owner;
        let (family, serial) = (self.token.family, self.token.serial());
        let digest = self.token.digest();
        let token =
            PresentedToken { user: user.to_string().into(), family, key: *key, serial, digest };
        let WantedToken::Refresh { grace_ms, .. } = self.wanted else {
            return Ok(FamilyOp::Logout(token));
        };
        let candidate = RefreshToken::make(user, family, key, serial.next())?;
        let (next, sealed) = (candidate.digest(), self.token.seal(&candidate)?.into());
        self.candidate = Some(candidate);
        Ok(FamilyOp::Refresh(Box::new(Refresh { token, next, sealed, grace_ms })))
    }

    /// The step after this outcome.
    pub fn advance(&mut self, outcome: Outcome, owners: &mut Owners) -> NextToken {
        match outcome {
            Ok(Answer::Family(FamilyAnswer::Known(known))) => self.looked_up(known, owners),
            Ok(Answer::Family(FamilyAnswer::Unknown)) => {
                owners.remove(&self.token.family);
                if self.remembered { self.find() } else { self.nowhere() }
            }
            Ok(Answer::Family(FamilyAnswer::Login(answer))) => match *answer {
                LoginAnswer::Elsewhere(family) => self.login_again(family),
                answer => {
                    NextToken::Done(Ok(Answer::Family(FamilyAnswer::Login(Box::new(answer)))))
                }
            },
            outcome => NextToken::Done(outcome),
        }
    }

    fn looked_up(&mut self, known: Option<KnownFamily>, owners: &mut Owners) -> NextToken {
        let Some(KnownFamily { user, key }) = known else {
            owners.remove(&self.token.family);
            return self.nowhere();
        };
        let owner = Rc::new(Owner { user: user.into(), key });
        owners.insert(self.token.family, Rc::clone(&owner));
        if self.token.is_authentic(&key) { self.found(owner) } else { self.nowhere() }
    }

    /// There is no such family, or the token is none of it.
    fn nowhere(&self) -> NextToken {
        NextToken::Done(Ok(Answer::Family(match self.wanted {
            WantedToken::Refresh { .. } => FamilyAnswer::Refresh(Box::new(RefreshAnswer::Invalid)),
            _ => FamilyAnswer::Done(false),
        })))
    }

    /// The login's request has a session already, in this family; or none any more: then it begins a new one.
    fn login_again(&mut self, family: Option<(FamilyId, FamilyKey)>) -> NextToken {
        let WantedToken::Login { login, tries, .. } = &mut self.wanted else {
            return self.nowhere();
        };
        *tries -= 1;
        if *tries == 0 {
            let message = "other logins of the same request came between: nothing was done";
            return NextToken::Done(Err(Fault::unavailable(message)));
        }
        let made = family
            .map_or_else(|| Ok((new_family()?, new_key()?)), Ok)
            .and_then(|(family, key)| token_in(login, family, key));
        match made {
            Ok(token) => {
                self.token = token;
                NextToken::Ask(FamilyOp::Login(login.clone()))
            }
            Err(fault) => NextToken::Done(Err(fault)),
        }
    }
}

/// The token of a login in this family: the first of a branch.
fn token_in(
    login: &mut Login<'static>,
    family: FamilyId,
    key: FamilyKey,
) -> Result<RefreshToken, Fault> {
    let branch = new_branch()?;
    let token = RefreshToken::make(&login.admit.user, family, &key, Serial::first_of(branch))?;
    let new = &mut login.family;
    (new.id, new.key, new.branch, new.digest) = (family, key, branch, token.digest());
    Ok(token)
}
