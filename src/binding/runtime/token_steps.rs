//! Takes logins, refreshes and logouts through their steps, on the gate that asks the store, and signs their tokens.

use super::auth::{GateInner, NowOrLater, keyless};
use crate::binding::flows::continuation::Continuation;
use crate::binding::flows::token::{NextToken, Owner, TokenFlow, WantedToken};
use crate::binding::results::grant::{NativeGrant, NativeRefusal};
use crate::binding::results::result::{Outcome, Result, admission, error, number, object};
use crate::core::base::error::Fault;
use crate::core::family::ops::{
    Drawn, FamilyAnswer, FamilyOp, Granted, LoginAnswer, RefreshAnswer,
};
use crate::core::op::{Act, Verdict};
use crate::tokens::identity::MAX_ID;
use crate::tokens::jwt::issue::{Request, expires_ms};
use crate::tokens::opaque::refresh_token::RefreshToken;
use napi::bindgen_prelude::Either;
use std::rc::Rc;

impl GateInner {
    /// Begins an act.
    pub fn token_act(&mut self, flow: TokenFlow) -> Result<NowOrLater> {
        let ticket = self.tickets.draw();
        let mut flow = Box::new(flow);
        let next = flow.begin(&self.owners);
        match self.run_token(ticket, flow, next) {
            Some((flow, outcome)) => self.finish_token(*flow, outcome).map(Either::A),
            None => {
                self.note_held();
                Ok(Either::B(-number(ticket)))
            }
        }
    }

    /// Goes on until the store answers later (then the ticket waits for it), or the act has come to its end.
    fn run_token(
        &mut self,
        ticket: u64,
        mut flow: Box<TokenFlow>,
        mut next: NextToken,
    ) -> Option<(Box<TokenFlow>, crate::core::op::Outcome)> {
        loop {
            let act = match next {
                NextToken::Done(outcome) => return Some((flow, outcome)),
                NextToken::Ask(op) => Ok(op),
                NextToken::Found(owner) => self.act_for(&mut flow, &owner),
            };
            let op = match act {
                Ok(op) => self.op(Act::Family(op)),
                Err(fault) => return Some((flow, Err(fault))),
            };
            match self.store.submit(op, ticket, &self.sink) {
                Some(outcome) => next = flow.go_on(outcome, &mut self.owners),
                None => {
                    self.tickets.wait(ticket, Continuation::Token(flow));
                    self.flows += 1;
                    return None;
                }
            }
        }
    }

    /// What is wanted of a token whose family is known. That an access token with the claims given can be signed is looked at
    /// first; with those of the login it could.
    fn act_for(
        &self,
        flow: &mut TokenFlow,
        owner: &Owner,
    ) -> std::result::Result<FamilyOp<'static>, Fault> {
        if let WantedToken::Refresh { request, .. } = &mut flow.wanted {
            request.user = owner.user.to_string();
            if request.claims.is_some() {
                let (issuer, rules) = self.issuer().map_err(|_| keyless())?;
                // Which session it will be is not known: the longest to write. Nor is the login's scope.
                let session = Some("\"".repeat(MAX_ID));
                let scope = request.scope.clone().or_else(|| Some("scope".to_owned()));
                let probe = Request { session, scope, ..request.clone() };
                issuer.check(&probe, rules, self.now_ms())?;
            }
        }
        flow.act(owner)
    }

    /// Takes an act one step further; its outcome, where it has come to its end.
    pub fn advance_token(
        &mut self,
        ticket: u64,
        mut flow: Box<TokenFlow>,
        outcome: crate::core::op::Outcome,
    ) -> Option<crate::core::op::Outcome> {
        let next = flow.go_on(outcome, &mut self.owners);
        let (flow, outcome) = self.run_token(ticket, flow, next)?;
        self.tickets.wait(ticket, Continuation::TokenDone(flow));
        Some(outcome)
    }

    /// What JavaScript is told at the end.
    pub fn finish_token(
        &mut self,
        flow: TokenFlow,
        outcome: crate::core::op::Outcome,
    ) -> Result<Outcome> {
        let TokenFlow { wanted, token, owner, candidate, .. } = flow;
        let Verdict::Family(answer) = outcome.map_err(error)? else {
            return Err(error(Fault::unavailable("the store answered another question")));
        };
        match (wanted, answer) {
            (WantedToken::Login { request, login, .. }, FamilyAnswer::Login(answer)) => {
                match *answer {
                    LoginAnswer::Admitted(admitted, drawn) => {
                        let owner =
                            Owner { user: request.user.as_str().into(), key: login.family.key };
                        self.owners.insert(token.family, Rc::new(owner));
                        let session = admitted.session.as_ref().map(|session| session.id.clone());
                        let grant = self.grant(Request { session, ..request }, drawn, &token)?;
                        let (grant, admission) = (Some(grant), Some(admission(admitted)));
                        Ok(Outcome { grant, admission, ..Outcome::default() })
                    }
                    LoginAnswer::Refused(refused) => {
                        Ok(Outcome { admission: Some(admission(refused)), ..Outcome::default() })
                    }
                    LoginAnswer::Elsewhere(_) => Ok(Outcome::default()),
                }
            }
            (WantedToken::Refresh { request, .. }, FamilyAnswer::Refresh(answer)) => {
                let refused = |reason: &str, session_id: Option<String>| {
                    let owner = owner.as_ref().filter(|_| session_id.is_some());
                    let user_id = owner.map(|owner| owner.user.to_string());
                    let refusal = NativeRefusal { reason: reason.to_owned(), user_id, session_id };
                    Ok(Outcome { refusal: Some(refusal), ..Outcome::default() })
                };
                match *answer {
                    RefreshAnswer::Invalid => refused("invalid", None),
                    RefreshAnswer::Expired => refused("expired", None),
                    RefreshAnswer::Revoked => refused("revoked", None),
                    RefreshAnswer::Reused(session) => refused("reused", Some(session)),
                    RefreshAnswer::Granted(granted) => {
                        let live = live_token(token, candidate, &granted).map_err(error)?;
                        let Granted { session, claims, scope, drawn, .. } = granted;
                        let request = Request {
                            session: Some(session),
                            claims: request.claims.or(claims),
                            scope: request.scope.or(scope),
                            ..request
                        };
                        let grant = Some(self.grant(request, drawn, &live)?);
                        Ok(Outcome { grant, ..Outcome::default() })
                    }
                }
            }
            (_, FamilyAnswer::Done(done)) => Ok(object(Verdict::Flag(done))),
            _ => Err(error(Fault::unavailable("the store answered another question"))),
        }
    }

    fn grant(&self, request: Request, drawn: Drawn, refresh: &RefreshToken) -> Result<NativeGrant> {
        let now_ms = self.now_ms();
        let (issuer, rules) = self.issuer()?;
        let issued = issuer.issue(&request, drawn.generation, rules, now_ms);
        Ok(NativeGrant {
            access_token: issued.map_err(error)?,
            refresh_token: refresh.text().to_owned(),
            expires_at: number(expires_ms(request.ttl_ms, now_ms)),
            refresh_expires_at: number(drawn.expires_ms),
        })
    }
}

/// The live token of the family: what was brought, or what the presented one leads to, seal by seal.
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
