//! Takes acts on API keys through their steps, on the gate that asks the store.

use super::auth::{GateInner, NowOrLater};
use crate::binding::config;
use crate::binding::flows::api_key::{KeyFlow, Next, Wanted, WantedUse, refused};
use crate::binding::flows::continuation::Continuation;
use crate::binding::flows::policy::Who;
use crate::binding::flows::receipts::Draft;
use crate::binding::results::api_key::key_object;
use crate::binding::results::result::{Outcome, Result, error, number, object};
use crate::core::api_key::key::unknown_key;
use crate::core::api_key::ops::{KeyAnswer, KeyOp, Use};
use crate::core::api_key::types::{KeyName, KeyPlace};
use crate::core::base::error::Fault;
use crate::core::base::reason::Reason;
use crate::core::op::{Act, Verdict};
use crate::core::quota::charge::QuotaPlace;
use crate::core::request::request::Decide;
use crate::tokens::opaque::api_key;
use crate::tokens::opaque::receipt::receipt_id;
use crate::tokens::request::quota_key::{Kind, key_idempotency};
use napi::bindgen_prelude::Either;
use std::rc::Rc;

/// A flow that has come to its end, with its outcome.
type Ended = (Box<KeyFlow>, crate::core::op::Outcome);

impl GateInner {
    /// Does something to the key of that name.
    pub fn key_act(&mut self, name: KeyName, wanted: Wanted) -> Result<NowOrLater> {
        let ticket = self.tickets.draw();
        let mut flow = Box::new(KeyFlow::new(name, wanted));
        let next = flow.begin(&self.places);
        match self.run_flow(ticket, flow, next)? {
            Some((flow, outcome)) => self.finish_flow(*flow, outcome).map(Either::A),
            None => {
                self.note_held();
                Ok(Either::B(-number(ticket)))
            }
        }
    }

    /// Refuses a use before the store is asked.
    pub fn refuse_use(&mut self, reason: Reason) -> Result<NowOrLater> {
        let answer = refused(&KeyName::Id(String::new()), reason);
        Ok(Either::A(self.use_object(answer, false, None)))
    }

    /// Goes on until the store answers later (then the ticket waits for it), or the flow has ended.
    fn run_flow(
        &mut self,
        ticket: u64,
        mut flow: Box<KeyFlow>,
        mut next: Next,
    ) -> Result<Option<Ended>> {
        loop {
            let act = match next {
                Next::Done(outcome) => return Ok(Some((flow, outcome))),
                Next::Find(op) => op,
                Next::Act(place) => match self.act_on(&mut flow, &place)? {
                    Some(op) => op,
                    None => {
                        next = flow.not_owned(&mut self.places);
                        continue;
                    }
                },
            };
            let op = self.op(Act::ApiKey(act));
            match self.store.submit(op, ticket, &self.sink) {
                Some(outcome) => next = flow.go_on(outcome, &mut self.places),
                None => {
                    self.tickets.wait(ticket, Continuation::Key(flow));
                    self.flows += 1;
                    return Ok(None);
                }
            }
        }
    }

    /// The act itself, of the key that lies there; `None`: it is another's than the token's user.
    fn act_on(&self, flow: &mut KeyFlow, place: &Rc<KeyPlace>) -> Result<Option<KeyOp<'static>>> {
        let place = KeyPlace::clone(place);
        Ok(Some(match &flow.wanted {
            Wanted::Use(wanted) => match &wanted.token {
                Some(token) if *token.user != *place.owner => return Ok(None),
                _ => {
                    let (asked, draft) = self.use_of(wanted, &place)?;
                    flow.draft = draft;
                    KeyOp::Use(Box::new(asked))
                }
            },
            Wanted::Rotate { prefix, grace_ms } => {
                let made = api_key::make(prefix, place.id.clone()).map_err(error)?;
                let (digest, start) = (made.digest, made.start.clone());
                let op = KeyOp::Rotate { place, digest, start, grace_ms: *grace_ms };
                flow.made = Some(made);
                op
            }
            Wanted::Revoke => KeyOp::Revoke(place),
            Wanted::Add { units, once } => KeyOp::Add { place, units: *units, once: *once },
            Wanted::Update { patch, pointed } => {
                KeyOp::Update { place, patch: patch.clone(), pointed: *pointed }
            }
            Wanted::Get => {
                let KeyPlace { id, owner } = place;
                KeyOp::Get { owner, ids: vec![id] }
            }
        }))
    }

    fn use_of(
        &self,
        wanted: &WantedUse,
        place: &KeyPlace,
    ) -> Result<(Use<'static>, Option<Box<Draft>>)> {
        let WantedUse { policy, token, limit, cost, idempotency_key, .. } = wanted;
        let mut rule = self.rule;
        if !limit.is_nan() {
            rule.limit = config::limit(*limit).map_err(error)?;
        }
        let mut decide = match token {
            Some(token) => Decide {
                scope_ok: token.has_scopes(policy.scopes()),
                ..self.decide_token(token, rule, wanted.touch).into_owned()
            },
            None => Decide::without_token(place.owner.clone().into(), rule),
        };
        let session = token.as_ref().map_or("", |token| &token.session);
        let who = Who { user: &place.owner, session, key: &place.id };
        let (named, once) = (wanted.named.as_deref(), idempotency_key.as_deref());
        decide.charge = policy.charge(who, *cost, named, once, self.rule.absolute_ms)?;
        let charge = decide.charge.as_ref();
        let refundable = charge.filter(|charge| charge.spend.receipt.is_some());
        let draft = refundable.map(|charge| Box::new(Draft::of(&place.owner, charge)));
        // What is charged to the key is given back where a quota that may lie elsewhere denies; in a trial it lies
        // apart from all else.
        let apart = self.observe || charge.is_some_and(|charge| charge.place == QuotaPlace::Apart);
        let cost = if wanted.charge_own { policy.cost(*cost)? } else { 0 };
        let asked = Use {
            once: once.map(|once| key_idempotency(once, Kind::Charge, cost)),
            receipt: apart.then(receipt_id).transpose().map_err(error)?,
            decide,
            id: place.id.clone().into(),
            digest: wanted.digest,
            scopes: policy.scopes().iter().map(ToString::to_string).collect(),
            cost,
        };
        Ok((asked, draft))
    }

    /// Takes those of the arrived that belong to a flow one step further; the others are left as they are.
    pub fn advance_flows(
        &mut self,
        arrived: Vec<(u64, crate::core::op::Outcome)>,
    ) -> Vec<(u64, crate::core::op::Outcome)> {
        if self.flows == 0 {
            return arrived;
        }
        let mut left = Vec::with_capacity(arrived.len());
        let mut asked = false;
        for (ticket, outcome) in arrived {
            match self.tickets.continuation(ticket) {
                Some(Continuation::Key(mut flow)) => {
                    self.flows -= 1;
                    let next = flow.go_on(outcome, &mut self.places);
                    match self.run_flow(ticket, flow, next) {
                        Ok(None) => asked = true,
                        Ok(Some((flow, outcome))) => {
                            self.tickets.wait(ticket, Continuation::KeyDone(flow));
                            left.push((ticket, outcome));
                        }
                        Err(fault) => {
                            self.tickets.wait(ticket, Continuation::Plain);
                            left.push((ticket, Err(Fault::input(fault.reason.clone()))));
                        }
                    }
                }
                Some(Continuation::Token(flow)) => {
                    self.flows -= 1;
                    match self.advance_token(ticket, flow, outcome) {
                        Some(outcome) => left.push((ticket, outcome)),
                        None => asked = true,
                    }
                }
                Some(other) => {
                    self.tickets.wait(ticket, other);
                    left.push((ticket, outcome));
                }
                None => {}
            }
        }
        if asked {
            // Nobody ends this turn for them.
            self.store.flush();
        }
        left
    }

    /// What JavaScript is told at the end of a flow.
    pub fn finish_flow(
        &mut self,
        flow: KeyFlow,
        outcome: crate::core::op::Outcome,
    ) -> Result<Outcome> {
        let KeyFlow { wanted, made, draft, .. } = flow;
        match (wanted, outcome.map_err(error)?) {
            (Wanted::Rotate { .. }, Verdict::ApiKey(KeyAnswer::Done(done))) => {
                let made = made.filter(|_| done).ok_or_else(|| error(unknown_key()))?;
                Ok(Outcome { key: Some(made.into()), ..Outcome::default() })
            }
            (Wanted::Use(wanted), Verdict::ApiKey(used @ KeyAnswer::Used(_))) => {
                let session_is_token = wanted.token.is_some_and(|token| token.session_is_token);
                Ok(self.use_object(used, session_is_token, draft))
            }
            (_, verdict) => Ok(object(verdict)),
        }
    }

    /// A use as an object; the numbers of its decision go into the first verdict record.
    fn use_object(
        &mut self,
        mut answer: KeyAnswer,
        session_is_token: bool,
        draft: Option<Box<Draft>>,
    ) -> Outcome {
        if let KeyAnswer::Used(used) = &mut answer {
            let charge = self.charges.keep(draft.map(|draft| *draft), &used.decision);
            let numbers = [charge, self.evicted.keep(&mut used.decision)];
            self.records.decision(0, 0.0, &used.decision, session_is_token, numbers);
        }
        key_object(answer)
    }
}
