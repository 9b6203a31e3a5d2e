//! Takes operations on API keys through their steps.

use super::decisions::Decisions;
use super::store_client::StoreClient;
use super::tokens::Tokens;
use crate::binding::config;
use crate::binding::convert::{Result, error};
use crate::binding::flows::api_key::{ApiKeyFlow, Next, Places, Wanted, WantedUse};
use crate::binding::flows::pending_refund::PendingRefund;
use crate::binding::flows::policy::Who;
use crate::binding::results::result::{self, key_object, object};
use crate::core::api_key::key::unknown_key;
use crate::core::api_key::ops::{KeyAnswer, KeyOp, Use};
use crate::core::api_key::types::KeyPlace;
use crate::core::op::{Act, Answer, Outcome};
use crate::core::quota::charge::QuotaPlace;
use crate::core::request::request::Decide;
use crate::core::session::rule::AdmissionRule;
use crate::tokens::opaque::api_key;
use crate::tokens::opaque::receipt::receipt_id;
use crate::tokens::request::quota_key::{Kind, key_idempotency};
use std::rc::Rc;

/// What a step needs of the runtime.
pub struct ApiKeySteps<'a> {
    pub store: &'a StoreClient,
    pub tokens: &'a Tokens,
    pub rule: AdmissionRule,
    /// Charges are a trial.
    pub observe: bool,
    pub places: &'a mut Places,
}

/// A flow after a step, with its outcome if it is done. `None`: the store answers later.
pub type ApiKeyStep = (Box<ApiKeyFlow>, Option<Outcome>);

impl ApiKeySteps<'_> {
    /// Starts a flow.
    pub fn begin(&mut self, id: u64, mut flow: Box<ApiKeyFlow>) -> Result<ApiKeyStep> {
        let next = flow.begin(self.places);
        self.run(id, flow, next)
    }

    /// Continues a flow with the outcome of its last step.
    pub fn advance(
        &mut self,
        id: u64,
        mut flow: Box<ApiKeyFlow>,
        outcome: Outcome,
    ) -> Result<ApiKeyStep> {
        let next = flow.advance(outcome, self.places);
        self.run(id, flow, next)
    }

    /// Runs steps until the store answers later or the flow is done.
    fn run(&mut self, id: u64, mut flow: Box<ApiKeyFlow>, mut next: Next) -> Result<ApiKeyStep> {
        loop {
            let op = match next {
                Next::Done(outcome) => return Ok((flow, Some(outcome))),
                Next::Find(op) => op,
                Next::Act(place) => match self.op_on(&mut flow, &place)? {
                    Some(op) => op,
                    None => {
                        next = flow.not_owned(self.places);
                        continue;
                    }
                },
            };
            match self.store.submit(Act::ApiKey(op), id) {
                Some(outcome) => next = flow.advance(outcome, self.places),
                None => return Ok((flow, None)),
            }
        }
    }

    /// The operation on the key at that place. `None` if the key has another owner than the token's user.
    fn op_on(&self, flow: &mut ApiKeyFlow, place: &Rc<KeyPlace>) -> Result<Option<KeyOp<'static>>> {
        let place = KeyPlace::clone(place);
        Ok(Some(match &flow.wanted {
            Wanted::Use(wanted) => match &wanted.token {
                Some(token) if *token.user != *place.owner => return Ok(None),
                _ => {
                    let (asked, refund) = self.use_of(wanted, &place)?;
                    flow.refund = refund;
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
    ) -> Result<(Use<'static>, Option<Box<PendingRefund>>)> {
        let WantedUse { policy, token, limit, cost, idempotency_key, .. } = wanted;
        let mut rule = self.rule;
        if !limit.is_nan() {
            rule.limit = config::limit(*limit).map_err(error)?;
        }
        let mut decide = match token {
            Some(token) => Decide {
                scope_ok: token.has_scopes(policy.scopes()),
                ..self.tokens.decide(token, rule, wanted.touch).into_owned()
            },
            None => Decide::without_token(place.owner.clone().into(), rule),
        };
        let session = token.as_ref().map_or("", |token| &token.session);
        let who = Who { user: &place.owner, session, key: &place.id };
        let (named, once) = (wanted.named.as_deref(), idempotency_key.as_deref());
        decide.charge = policy.charge(who, *cost, named, once, self.rule.absolute_ms)?;
        let charge = decide.charge.as_ref();
        let refund = PendingRefund::of_request(&place.owner, charge);
        // The key's own charge is refunded if a quota denies that may be in another record. In a trial, it is always in
        // another record.
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
        Ok((asked, refund))
    }
}

/// The result that JavaScript gets at the end of a flow.
pub fn finish(
    decisions: &mut Decisions,
    flow: ApiKeyFlow,
    outcome: Outcome,
) -> Result<result::Outcome> {
    let ApiKeyFlow { wanted, made, refund, .. } = flow;
    match (wanted, outcome.map_err(error)?) {
        (Wanted::Rotate { .. }, Answer::ApiKey(KeyAnswer::Done(done))) => {
            let made = made.filter(|_| done).ok_or_else(|| error(unknown_key()))?;
            Ok(result::Outcome { key: Some(made.into()), ..Default::default() })
        }
        (Wanted::Use(wanted), Answer::ApiKey(used @ KeyAnswer::Used(_))) => {
            let session_is_token = wanted.token.is_some_and(|token| token.session_is_token);
            Ok(use_object(decisions, used, session_is_token, refund))
        }
        (_, verdict) => Ok(object(verdict)),
    }
}

/// A use as an object. The numbers of its decision go into the first verdict record.
pub fn use_object(
    decisions: &mut Decisions,
    mut answer: KeyAnswer,
    session_is_token: bool,
    refund: Option<Box<PendingRefund>>,
) -> result::Outcome {
    if let KeyAnswer::Used(used) = &mut answer {
        decisions.write(0, 0.0, &mut used.decision, session_is_token, refund);
    }
    key_object(answer)
}
