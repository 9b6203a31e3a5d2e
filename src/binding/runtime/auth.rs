//! The native half of one Auth: verifies credentials, asks the store, and returns answers now or by completion id. All code
//! here runs on the JavaScript thread that created the runtime.

use super::api_key_steps::{self, ApiKeySteps};
use super::completions;
use super::decisions::Decisions;
use super::store_client::StoreClient;
use super::token_steps::TokenSteps;
use super::tokens::Tokens;
use crate::binding::clock::new_clock;
use crate::binding::config::{self, GateConfig};
use crate::binding::convert::{Result, error, number, to_integer};
use crate::binding::flows::api_key::{ApiKeyFlow, Places, Wanted, places, refused};
use crate::binding::flows::continuation::Continuation;
use crate::binding::flows::pending_refund::PendingRefund;
use crate::binding::flows::policy::{Asked, Policies, Policy};
use crate::binding::flows::token::{Owners, TokenFlow, owners};
use crate::binding::io::bridge::Wake;
use crate::binding::io::completions::Completions;
use crate::binding::io::poller::{Pollers, WakeCallback};
use crate::binding::io::text::JsText;
use crate::binding::results::result;
use crate::binding::results::store::{NativeEvent, event};
use crate::binding::results::verdict_record::{RECORDS, Records};
use crate::core::api_key::types::KeyName;
use crate::core::base::error::Fault;
use crate::core::base::reason::Reason;
use crate::core::op::{Act, Answer, Outcome};
use crate::core::quota::charge::Charge;
use crate::core::request::request::Decide;
use crate::core::session::rule::AdmissionRule;
use crate::core::store::Notice;
use crate::tokens::jwt::claims::Token;
use napi::bindgen_prelude::Either;
use std::cell::RefCell;
use std::rc::Rc;

/// Flag of `decide`: this request has been decided before; the session is not touched again.
const DECIDED: u32 = 2;

/// The result of an operation, or minus the completion id under which it will arrive.
pub type NowOrLater = Either<result::Outcome, f64>;

/// See the module.
pub struct AuthRuntime {
    pub store: StoreClient,
    pub tokens: Tokens,
    pub policies: Policies,
    pub decisions: Decisions,
    pub rule: AdmissionRule,
    /// Charges are a trial (mode 'observe').
    observe: bool,
    completions: Completions<Continuation>,
    /// Flows that wait for the store.
    flows: usize,
    places: Places,
    owners: Owners,
    pollers: Pollers,
    closed: bool,
}

impl AuthRuntime {
    /// Opens the store and reads the keys.
    ///
    /// # Errors
    /// `ERR_LATCHGATE_CONFIG`, naming the option.
    pub fn new(
        config: &GateConfig,
        records: Records,
        wake: Wake,
    ) -> std::result::Result<Self, Fault> {
        let clock = new_clock();
        let rules = config::rules(config)?;
        let tokens = Tokens::new(config, rules.clone(), clock.clone())?;
        let rule = config::rule(
            config.limit,
            config.evict_oldest,
            config.idle_ms,
            config.absolute_ms,
            to_integer("sessions.hardLimit", config.hard_limit, 1)?,
        )?;
        Ok(Self {
            store: StoreClient::open(config, &rules, &clock, wake)?,
            tokens,
            policies: Policies::default(),
            decisions: Decisions::new(records),
            rule,
            observe: config.observe == Some(true),
            completions: Completions::default(),
            flows: 0,
            places: places(),
            owners: owners(),
            pollers: Pollers::default(),
            closed: false,
        })
    }

    /// Has the store's replies read in the event loop of this thread, now and after every new connection.
    pub fn poll(runtime: &Rc<RefCell<Self>>, callback: WakeCallback) {
        let weak = Rc::downgrade(runtime);
        let drain = move || weak.upgrade().map_or(0, |runtime| runtime.borrow_mut().drain());
        let mut inner = runtime.borrow_mut();
        inner.pollers = Pollers::new(callback, drain);
        inner.renew_pollers();
    }

    fn renew_pollers(&mut self) {
        self.pollers.renew(self.store.store(), self.store.bridge());
    }

    pub fn close(&mut self) {
        self.closed = true;
        self.pollers = Pollers::default();
        self.store.store().close();
    }

    pub const fn is_closed(&self) -> bool {
        self.closed
    }

    /// The events of the store since the last call.
    pub fn events(&mut self) -> Vec<NativeEvent> {
        let notices = self.store.bridge().notices();
        if notices.contains(&Notice::Opened) {
            self.renew_pollers();
        }
        notices.into_iter().filter_map(event).collect()
    }

    /// Tells JavaScript to call `flush` at the end of this turn if the store holds operations back.
    fn note_held(&self) {
        if self.store.store().holds_back() {
            self.decisions.records.hold();
        }
    }

    /// The answer for an operation whose outcome arrives later.
    fn later<T>(&self, id: u64) -> Either<T, f64> {
        self.note_held();
        Either::B(-number(id))
    }

    /// Verifies a credential without the store. Returns 0 or the number of the reason.
    pub fn verify(&mut self, credential: &JsText<'_>, flags: f64) -> Result<f64> {
        let token = self.tokens.verified(credential, bits(flags)?)?;
        Ok(f64::from(token.err().unwrap_or(Reason::Allowed) as u8))
    }

    /// Decides under a registered policy.
    pub fn decide_registered(&mut self, policy: f64, asked: &Asked<'_>) -> Result<f64> {
        let policy = to_integer("policy", policy, 0).map_err(error)?;
        let token = match self.tokens.verified(asked.credential, bits(asked.flags)?)? {
            Ok(token) => token,
            Err(reason) => return Ok(f64::from(reason as u8)),
        };
        let policy = self.policies.get(policy)?;
        let (scope_ok, charge) = policy.apply(&token, asked, self.rule.absolute_ms)?;
        self.decide(&token, scope_ok, charge, asked)
    }

    /// Decides under a policy that is not registered.
    pub fn decide_adhoc(&mut self, policy: &Policy, asked: &Asked<'_>) -> Result<f64> {
        match self.tokens.verified(asked.credential, bits(asked.flags)?)? {
            Ok(token) => {
                let (scope_ok, charge) = policy.apply(&token, asked, self.rule.absolute_ms)?;
                self.decide(&token, scope_ok, charge, asked)
            }
            Err(reason) => Ok(f64::from(reason as u8)),
        }
    }

    /// Decides all of a request that depends on the store, in one operation.
    fn decide(
        &mut self,
        token: &Token,
        scope_ok: bool,
        charge: Option<Charge<'_>>,
        asked: &Asked<'_>,
    ) -> Result<f64> {
        let mut rule = self.rule;
        if !asked.limit.is_nan() {
            rule.limit = config::limit(asked.limit).map_err(error)?;
        }
        let refund = PendingRefund::of_request(&token.user, charge.as_ref());
        let touch = bits(asked.flags)? & DECIDED == 0;
        let decide = Decide { scope_ok, charge, ..self.tokens.decide(token, rule, touch) };
        let id = self.completions.next_id();
        let session_is_token = token.session_is_token;
        match self.store.submit(Act::Decide(decide), id) {
            Some(Ok(Answer::Decision(mut decision))) => {
                self.decisions.write(0, 0.0, &mut decision, session_is_token, refund);
                Ok(f64::from(decision.reason as u8))
            }
            Some(Ok(_)) => Err(error(Fault::unavailable("the store answered another question"))),
            Some(Err(fault)) if fault.is_outage() => {
                self.decisions.records.outage(0, 0.0);
                Ok(f64::from(Reason::StoreUnavailable as u8))
            }
            Some(Err(fault)) => Err(error(fault)),
            None => {
                self.completions.wait(id, Continuation::Decide { session_is_token, refund });
                self.note_held();
                Ok(-number(id))
            }
        }
    }

    /// Submits an operation of one step.
    pub fn submit(&mut self, act: Act<'_>, continuation: Continuation) -> Result<NowOrLater> {
        let id = self.completions.next_id();
        match self.store.submit(act, id) {
            Some(outcome) => self.finish(outcome, continuation).map(Either::A),
            None => {
                self.completions.wait(id, continuation);
                Ok(self.later(id))
            }
        }
    }

    /// Starts an operation on the API key of that name.
    pub fn start_key_flow(&mut self, name: KeyName, wanted: Wanted) -> Result<NowOrLater> {
        let id = self.completions.next_id();
        let flow = Box::new(ApiKeyFlow::new(name, wanted));
        match self.key_steps().begin(id, flow)? {
            (flow, Some(outcome)) => {
                self.finish(outcome, Continuation::KeyDone(flow)).map(Either::A)
            }
            (flow, None) => {
                self.wait_for_step(id, Continuation::Key(flow));
                Ok(self.later(id))
            }
        }
    }

    /// Starts a login, a refresh or a logout.
    pub fn start_token_flow(&mut self, flow: TokenFlow) -> Result<NowOrLater> {
        let id = self.completions.next_id();
        match self.token_steps().begin(id, Box::new(flow)) {
            (flow, Some(outcome)) => {
                self.finish(outcome, Continuation::TokenDone(flow)).map(Either::A)
            }
            (flow, None) => {
                self.wait_for_step(id, Continuation::Token(flow));
                Ok(self.later(id))
            }
        }
    }

    /// Refuses the use of a key before the store is asked.
    pub fn refuse_use(&mut self, reason: Reason) -> NowOrLater {
        let answer = refused(&KeyName::Id(String::new()), reason);
        Either::A(api_key_steps::use_object(&mut self.decisions, answer, false, None))
    }

    fn key_steps(&mut self) -> ApiKeySteps<'_> {
        ApiKeySteps {
            store: &self.store,
            tokens: &self.tokens,
            rule: self.rule,
            observe: self.observe,
            places: &mut self.places,
        }
    }

    fn token_steps(&mut self) -> TokenSteps<'_> {
        TokenSteps { store: &self.store, tokens: &self.tokens, owners: &mut self.owners }
    }

    fn wait_for_step(&mut self, id: u64, flow: Continuation) {
        self.completions.wait(id, flow);
        self.flows += 1;
    }

    fn finish(&mut self, outcome: Outcome, continuation: Continuation) -> Result<result::Outcome> {
        let Self { store, tokens, owners, decisions, .. } = self;
        completions::finish(decisions, TokenSteps { store, tokens, owners }, outcome, continuation)
    }

    /// Takes the next step of every flow whose outcome has arrived. Returns the other outcomes, and those of finished flows.
    fn advance_flows(&mut self, arrived: Vec<(u64, Outcome)>) -> Vec<(u64, Outcome)> {
        let mut left = Vec::with_capacity(arrived.len());
        let mut has_asked = false;
        for (id, outcome) in arrived {
            let Some(continuation) = self.completions.continuation(id) else { continue };
            match self.advance(id, continuation, outcome) {
                Some((continuation, outcome)) => {
                    self.completions.wait(id, continuation);
                    left.push((id, outcome));
                }
                None => has_asked = true,
            }
        }
        if has_asked {
            // No JavaScript call is under way that would flush these operations at the end of its turn.
            self.store.store().flush();
        }
        left
    }

    /// Takes the next step of a flow. `None`: it waits for the store again.
    fn advance(
        &mut self,
        id: u64,
        continuation: Continuation,
        outcome: Outcome,
    ) -> Option<(Continuation, Outcome)> {
        match continuation {
            Continuation::Key(flow) => {
                self.flows -= 1;
                match self.key_steps().advance(id, flow, outcome) {
                    Ok((flow, Some(outcome))) => {
                        return Some((Continuation::KeyDone(flow), outcome));
                    }
                    Ok((flow, None)) => self.wait_for_step(id, Continuation::Key(flow)),
                    Err(fault) => {
                        let fault = Fault::input(fault.reason.clone());
                        return Some((Continuation::Plain, Err(fault)));
                    }
                }
            }
            Continuation::Token(flow) => {
                self.flows -= 1;
                match self.token_steps().advance(id, flow, outcome) {
                    (flow, Some(outcome)) => {
                        return Some((Continuation::TokenDone(flow), outcome));
                    }
                    (flow, None) => self.wait_for_step(id, Continuation::Token(flow)),
                }
            }
            other => return Some((other, outcome)),
        }
        None
    }

    /// Moves completions into the verdict records. Returns their number.
    pub fn drain(&mut self) -> usize {
        let mut arrived = self.store.bridge().take();
        if self.flows > 0 {
            arrived = self.advance_flows(arrived);
        }
        self.completions.add(arrived);
        let mut written = 0;
        while written < RECORDS {
            let Some((id, outcome)) = self.completions.next() else {
                break;
            };
            match (self.completions.continuation(id), outcome) {
                (
                    Some(Continuation::Decide { session_is_token, refund }),
                    Ok(Answer::Decision(mut decision)),
                ) => {
                    let (decisions, id) = (&mut self.decisions, number(id));
                    decisions.write(written, id, &mut decision, session_is_token, refund);
                }
                // A record and not an error: during an outage there can be very many.
                (Some(Continuation::Decide { .. }), Err(fault)) if fault.is_outage() => {
                    self.decisions.records.outage(written, number(id));
                }
                (Some(continuation), outcome) => {
                    self.decisions.records.outcome(written, number(id));
                    self.completions.wait(id, continuation);
                    self.completions.keep(id, outcome);
                }
                // Nothing waits for it: a store that completes twice must not settle another request.
                (None, _) => continue,
            }
            written += 1;
        }
        written
    }

    /// The result of the operation whose record has the code -1.
    pub fn take(&mut self, id: f64) -> Result<result::Outcome> {
        let id = to_integer("ticket", id, 1).map_err(error)?;
        match (self.completions.take(id), self.completions.continuation(id)) {
            (Some(outcome), Some(continuation)) => self.finish(outcome, continuation),
            _ => Err(error(Fault::input("no such ticket"))),
        }
    }
}

fn bits(flags: f64) -> Result<u32> {
    let flags = to_integer("flags", flags, 0).map_err(error)?;
    u32::try_from(flags).map_err(|_| error(Fault::input("flags out of range")))
}
