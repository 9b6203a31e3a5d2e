//! Takes logins, refreshes and logouts through their steps, and signs their tokens.

use super::store_client::StoreClient;
use super::tokens::Tokens;
use crate::binding::convert::{Result, error, number};
use crate::binding::flows::token::{NextToken, Owner, Owners, TokenFlow, WantedToken};
use crate::binding::results::grant::{NativeGrant, NativeRefusal};
use crate::binding::results::result::{self, object};
use crate::binding::results::session::admission;
use crate::core::base::error::Fault;
use crate::core::family::ops::{
    Drawn, FamilyAnswer, FamilyOp, Granted, LoginAnswer, RefreshAnswer,
};
use crate::core::op::{Act, Answer, Outcome};
use crate::tokens::identity::MAX_ID;
use crate::tokens::jwt::issue::{Request, expires_ms};
use crate::tokens::opaque::refresh_token::RefreshToken;
use std::rc::Rc;

/// What a step needs of the runtime.
pub struct TokenSteps<'a> {
    pub store: &'a StoreClient,
    pub tokens: &'a Tokens,
    pub owners: &'a mut Owners,
}

/// A flow after a step, with its outcome if it is done. `None`: the store answers later.
pub type TokenStep = (Box<TokenFlow>, Option<Outcome>);

impl TokenSteps<'_> {
    /// Starts a flow.
    pub fn begin(&mut self, id: u64, mut flow: Box<TokenFlow>) -> TokenStep {
        let next = flow.begin(self.owners);
        self.run(id, flow, next)
    }

    /// Continues a flow with the outcome of its last step.
    pub fn advance(&mut self, id: u64, mut flow: Box<TokenFlow>, outcome: Outcome) -> TokenStep {
        let next = flow.advance(outcome, self.owners);
        self.run(id, flow, next)
    }

    /// Runs steps until the store answers later or the flow is done.
    fn run(&mut self, id: u64, mut flow: Box<TokenFlow>, mut next: NextToken) -> TokenStep {
        loop {
            let op = match next {
                NextToken::Done(outcome) => return (flow, Some(outcome)),
                NextToken::Ask(op) => Ok(op),
                NextToken::Found(owner) => self.op_for(&mut flow, &owner),
            };
            let act = match op {
                Ok(op) => Act::Family(op),
                Err(fault) => return (flow, Some(Err(fault))),
            };
            match self.store.submit(act, id) {
                Some(outcome) => next = flow.advance(outcome, self.owners),
                None => return (flow, None),
            }
        }
    }

    /// The operation on a token whose family is known. Checks first that an access token with the given claims can be signed;
    /// with the claims of the login it can.
    fn op_for(
        &self,
        flow: &mut TokenFlow,
        owner: &Owner,
    ) -> std::result::Result<FamilyOp<'static>, Fault> {
        if let WantedToken::Refresh { request, .. } = &mut flow.wanted {
            request.user = owner.user.to_string();
            if request.claims.is_some() {
                // The session and the login's scope are not known yet: the longest session id stands for any.
                let session = Some("\"".repeat(MAX_ID));
                let scope = request.scope.clone().or_else(|| Some("scope".to_owned()));
                let probe = Request { session, scope, ..request.clone() };
                self.tokens.check_request(&probe)?;
            }
        }
        flow.act(owner)
    }

    /// The result that JavaScript gets at the end of a flow.
    pub fn finish(&mut self, flow: TokenFlow, outcome: Outcome) -> Result<result::Outcome> {
        let Answer::Family(answer) = outcome.map_err(error)? else {
            return Err(error(Fault::unavailable("the store answered another question")));
        };
        let TokenFlow { wanted, token, owner, candidate, .. } = flow;
        match (wanted, answer) {
            (WantedToken::Login { request, login, .. }, FamilyAnswer::Login(answer)) => {
                let owner = Owner { user: request.user.as_str().into(), key: login.family.key };
                self.finish_login(*answer, request, owner, &token)
            }
            (WantedToken::Refresh { request, .. }, FamilyAnswer::Refresh(answer)) => {
                match *answer {
                    RefreshAnswer::Invalid => Ok(refused("invalid", None)),
                    RefreshAnswer::Expired => Ok(refused("expired", None)),
                    RefreshAnswer::Revoked => Ok(refused("revoked", None)),
                    RefreshAnswer::Reused(session) => {
                        let user = owner.map(|owner| owner.user.to_string());
                        Ok(refused("reused", Some((user, session))))
                    }
                    RefreshAnswer::Granted(granted) => {
                        let live = live_token(token, candidate, &granted).map_err(error)?;
                        self.finish_refresh(granted, request, &live)
                    }
                }
            }
            (_, FamilyAnswer::Done(done)) => Ok(object(Answer::Flag(done))),
            _ => Err(error(Fault::unavailable("the store answered another question"))),
        }
    }

    fn finish_login(
        &mut self,
        answer: LoginAnswer,
        request: Request,
        owner: Owner,
        token: &RefreshToken,
    ) -> Result<result::Outcome> {
        match answer {
            LoginAnswer::Admitted(admitted, drawn) => {
                self.owners.insert(token.family, Rc::new(owner));
                let session = admitted.session.as_ref().map(|session| session.id.clone());
                let grant = self.grant(&Request { session, ..request }, drawn, token)?;
                let (grant, admission) = (Some(grant), Some(admission(admitted)));
                Ok(result::Outcome { grant, admission, ..Default::default() })
            }
            LoginAnswer::Refused(refused) => {
                Ok(result::Outcome { admission: Some(admission(refused)), ..Default::default() })
            }
            LoginAnswer::Elsewhere(_) => Ok(result::Outcome::default()),
        }
    }

    fn finish_refresh(
        &self,
        granted: Granted,
        request: Request,
        live: &RefreshToken,
    ) -> Result<result::Outcome> {
        let Granted { session, claims, scope, drawn, .. } = granted;
        let request = Request {
            session: Some(session),
            claims: request.claims.or(claims),
            scope: request.scope.or(scope),
            ..request
        };
        let grant = Some(self.grant(&request, drawn, live)?);
        Ok(result::Outcome { grant, ..Default::default() })
    }

    fn grant(
        &self,
        request: &Request,
        drawn: Drawn,
        refresh: &RefreshToken,
    ) -> Result<NativeGrant> {
        let now_ms = self.tokens.now_ms();
        Ok(NativeGrant {
            access_token: self.tokens.issue(request, drawn.generation, now_ms)?,
            refresh_token: refresh.text().to_owned(),
            expires_at: number(expires_ms(request.ttl_ms, now_ms)),
            refresh_expires_at: number(drawn.expires_ms),
        })
    }
}

/// A refusal of new tokens. `ended`: the user and the session that it has ended.
pub fn refused(reason: &str, ended: Option<(Option<String>, String)>) -> result::Outcome {
    let (user_id, session_id) = ended.map_or((None, None), |(user, id)| (user, Some(id)));
    let refusal = NativeRefusal { reason: reason.to_owned(), user_id, session_id };
    result::Outcome { refusal: Some(refusal), ..Default::default() }
}

/// The live token of the family: the candidate, or the token that the presented token leads to, seal by seal.
fn live_token(
    presented: RefreshToken,
    candidate: Option<RefreshToken>,
    granted: &Granted,
) -> std::result::Result<RefreshToken, Fault> {
    let live = if granted.sealed.is_empty() {
        candidate
    } else {
        granted.sealed.iter().try_fold(presented, |token, sealed| token.open(sealed))
    };
    live.ok_or_else(|| Fault::unavailable("the store holds a seal that the token does not open"))
}
