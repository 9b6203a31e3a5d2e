//! Takes acts on API keys through their steps, on the gate that asks the store.

use super::config;
use super::gate::{Continuation, GateInner, NowOrLater};
use super::key_flow::{KeyFlow, Next, Wanted, WantedUse, refused};
use super::outcome::{NativeKey, Outcome, Result, error, number, object, write_decision};
use crate::core::error::Fault;
use crate::core::key::unknown_key;
use crate::core::key_op::{KeyAnswer, KeyName, KeyOp, KeyPlace, Use};
use crate::core::op::{Act, Decide, Verdict};
use crate::core::reason::Reason;
use crate::core::store;
use crate::service::api_key;
use crate::service::quota_key::key_question;
use napi::bindgen_prelude::Either;
use std::rc::Rc;

/// A flow that has come to its end, with its outcome.
type Ended = (Box<KeyFlow>, store::Outcome);

impl GateInner {
    /// Does something to the key of that name.
    pub fn key_act(&mut self, name: KeyName, wanted: Wanted) -> Result<NowOrLater> {
        let ticket = self.tickets.draw();
        let mut flow = Box::new(KeyFlow::new(name, wanted));
        let next = flow.begin(&self.places);
        match self.run_flow(ticket, flow, next)? {
            Some((flow, outcome)) => self.finish_flow(&flow, outcome).map(Either::A),
            None => {
                self.note_held();
                Ok(Either::B(-number(ticket)))
            }
        }
    }

    /// A text that can be no key.
    pub fn no_key(&mut self) -> Result<NowOrLater> {
        let answer = refused(&KeyName::Id(String::new()), Reason::KeyUnknown);
        self.object_of(Ok(Verdict::ApiKey(answer)), false).map(Either::A)
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
                        next = flow.not_owned();
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
                _ => KeyOp::Use(Box::new(self.use_of(wanted, place)?)),
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
            Wanted::Update(patch) => KeyOp::Update { place, patch: patch.clone() },
            Wanted::Get => {
                let KeyPlace { id, owner } = place;
                KeyOp::Get { owner, ids: vec![id] }
            }
        }))
    }

    fn use_of(&self, wanted: &WantedUse, place: KeyPlace) -> Result<Use<'static>> {
        let WantedUse { policy, token, digest, limit, cost, touch, charge_own, .. } = wanted;
        let mut rule = self.rule;
        if !limit.is_nan() {
            rule.limit = config::limit(*limit).map_err(error)?;
        }
        let mut decide = match token {
            Some(token) => Decide {
                scope_ok: token.has_scopes(policy.scopes()),
                ..self.decide_token(token, rule, *touch).into_owned()
            },
            None => Decide::without_token(place.owner.into(), rule),
        };
        let asked = policy.key_charge(wanted, &place.id, self.rule.absolute_ms)?;
        decide.charge = asked.charge;
        let once = wanted.idempotency_key.as_deref();
        Ok(Use {
            decide,
            once: once.map(|key| key_question(key, asked.cost)),
            id: place.id.into(),
            digest: *digest,
            scopes: policy.scopes().iter().map(ToString::to_string).collect(),
            cost: if *charge_own { asked.cost } else { 0 },
        })
    }

    /// Takes those of the arrived that belong to a flow one step further; the others are left as they are.
    pub fn advance_flows(
        &mut self,
        arrived: Vec<(u64, store::Outcome)>,
    ) -> Vec<(u64, store::Outcome)> {
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
    pub fn finish_flow(&mut self, flow: &KeyFlow, outcome: store::Outcome) -> Result<Outcome> {
        if let (Some(made), Ok(Verdict::ApiKey(KeyAnswer::Done(done)))) = (&flow.made, &outcome) {
            if !done {
                return Err(error(unknown_key()));
            }
            let key = NativeKey { key: made.text.clone(), key_id: made.id.clone() };
            return Ok(Outcome { key: Some(key), ..Default::default() });
        }
        if let (Wanted::Rotate { .. }, Ok(Verdict::ApiKey(KeyAnswer::Done(false)))) =
            (&flow.wanted, &outcome)
        {
            return Err(error(unknown_key()));
        }
        let session_is_token = match &flow.wanted {
            Wanted::Use(wanted) => wanted.token.as_ref().is_some_and(|t| t.session_is_token),
            _ => false,
        };
        self.object_of(outcome, session_is_token)
    }

    /// An outcome as an object; the numbers of a decision go into the first verdict record.
    fn object_of(&mut self, outcome: store::Outcome, session_is_token: bool) -> Result<Outcome> {
        let verdict = outcome.map_err(error)?;
        if let Verdict::ApiKey(KeyAnswer::Used(used)) = &verdict {
            // SAFETY: as in `decide`.
            let record = unsafe { self.verdict.as_mut() };
            write_decision(record, 0.0, &used.decision, session_is_token);
        }
        Ok(object(verdict))
    }
}
