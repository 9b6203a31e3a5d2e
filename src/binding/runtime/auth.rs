//! One Auth's native half: verifies, asks the store, and answers by number. Everything here runs on
//! the JavaScript thread that made the gate; only the bridge is touched by others.

use crate::binding::config;
use crate::binding::config::{GateConfig, whole};
use crate::binding::flows::api_key::{Places, places};
use crate::binding::flows::continuation::Continuation;
use crate::binding::flows::evicted::Evicted;
use crate::binding::flows::policy::{Asked, Policy};
use crate::binding::flows::receipts::{Charges, Draft};
use crate::binding::flows::token::{Owners, owners};
use crate::binding::io::bridge::{Bridge, Tickets, Wake};
use crate::binding::io::text::{JsText, Scratch};
use crate::binding::io::watcher::{Listener, Watch};
use crate::binding::results::records::Records;
use crate::binding::results::result::{
    NativeEvent, NativeHealth, Outcome, Result, error, event, health, number,
};
use crate::core::base::clock::Clock;
use crate::core::base::error::Fault;
use crate::core::base::reason::Reason;
use crate::core::op::{Act, Op, Verdict};
use crate::core::quota::charge::Charge;
use crate::core::request::request::{Decide, SessionCheck};
use crate::core::session::rule::AdmissionRule;
use crate::core::store::{Notice, Sink, Store};
use crate::core::turn::ops::TurnGate;
use crate::tokens::jwt::claims::{Rules, Token};
use crate::tokens::jwt::issue::Issuer;
use crate::tokens::jwt::verify::Verifier;
use crate::tokens::opaque::credential::bearer;
use crate::tokens::random::random;
use napi::bindgen_prelude::Either;
use std::borrow::Cow;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

/// Flag of `decide`: the credential is a bare token, not a header.
const BARE: u32 = 1;
/// Flag of `decide`: this request has been decided before; the session is not touched again.
const DECIDED: u32 = 2;

/// The result of an operation: its object, or minus the ticket under which it will come.
pub type NowOrLater = Either<Outcome, f64>;

/// See the module.
pub struct GateInner {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) bridge: Arc<Bridge>,
    pub(crate) sink: Arc<dyn Sink>,
    clock: Arc<dyn Clock>,
    pub(crate) tokens: Option<(Verifier, Option<Issuer>)>,
    pub rules: Rules,
    pub(crate) check: SessionCheck,
    pub(crate) rule: AdmissionRule,
    policies: Vec<Rc<Policy>>,
    scratch: Scratch,
    pub(crate) records: Records,
    pub(crate) tickets: Tickets<Continuation>,
    /// Where API keys lie that were met.
    pub(crate) places: Places,
    /// Whose refresh families are that were met.
    pub(crate) owners: Owners,
    /// Acts of several steps that wait for the store.
    pub(crate) flows: usize,
    pub charges: Charges,
    pub(crate) evicted: Evicted,
    watch: Watch,
    /// What the tickets of its turns begin with.
    pub(crate) turn_gate: TurnGate,
    /// What it charges is a trial.
    pub(crate) observe: bool,
    closed: bool,
}

pub(crate) fn keyless() -> Fault {
    Fault::config(
        "no key is configured: give jwt.secret, jwt.publicKey, jwt.jwks or LATCHGATE_JWT_SECRET",
    )
}

impl GateInner {
    pub fn new(
        config: &GateConfig,
        records: Records,
        wake: Wake,
    ) -> std::result::Result<Self, Fault> {
        let clock = crate::binding::clock::new_clock();
        let rules = config::rules(config)?;
        let bridge = Arc::new(Bridge::new(wake));
        Ok(Self {
            tokens: config::tokens(config, rules.clone())?,
            check: config::session_check(config.session_mode)?,
            rule: config::rule(
                config.limit,
                config.evict_oldest,
                config.idle_ms,
                config.absolute_ms,
                whole("sessions.hardLimit", config.hard_limit, 1)?,
            )?,
            store: crate::store::registry::open(&config::settings(config)?, Arc::clone(&clock))?,
            sink: Arc::clone(&bridge) as Arc<dyn Sink>,
            bridge,
            clock,
            rules,
            policies: vec![Rc::default()],
            scratch: Scratch::default(),
            records,
            tickets: Tickets::default(),
            places: places(),
            owners: owners(),
            flows: 0,
            charges: Charges::default(),
            evicted: Evicted::default(),
            watch: Watch::default(),
            turn_gate: random()?,
            observe: config.observe == Some(true),
            closed: false,
        })
        .inspect(|gate| {
            // Tells the store our horizon, before anything is ended in it.
            let _ = gate.store.submit(gate.op(Act::Ping), 0, &gate.sink);
            gate.store.watch(Arc::downgrade(&gate.sink));
        })
    }

    /// Has the store's answers read in this thread's event loop, now and after every new connection.
    pub fn watch(gate: &Rc<RefCell<Self>>, listener: Listener) {
        let weak = Rc::downgrade(gate);
        let drain = move || weak.upgrade().map_or(0, |gate| gate.borrow_mut().drain());
        let mut inner = gate.borrow_mut();
        inner.watch = Watch::new(listener, drain);
        inner.watch_sources();
    }

    fn watch_sources(&mut self) {
        self.watch.renew(&self.store, &self.bridge);
    }

    pub fn close(&mut self) {
        self.closed = true;
        self.watch = Watch::default();
        self.store.close();
    }

    pub const fn is_closed(&self) -> bool {
        self.closed
    }

    pub fn now_ms(&self) -> u64 {
        self.clock.now_us() / 1000
    }

    pub fn sweep(&self) -> usize {
        self.store.sweep()
    }

    pub fn flush(&self) {
        self.store.flush();
    }

    pub fn health(&self) -> NativeHealth {
        health(self.store.health())
    }

    pub fn events(&mut self) -> Vec<NativeEvent> {
        let notices = self.bridge.notices();
        if notices.contains(&Notice::Opened) {
            self.watch_sources();
        }
        notices.into_iter().filter_map(event).collect()
    }

    /// Has the store tell of turns and revocations.
    pub fn listen(&self) {
        self.store.listen(self.turn_gate, Arc::downgrade(&self.sink));
    }

    /// Tells JavaScript whether it should call `flush` at the end of this turn.
    pub(crate) fn note_held(&mut self) {
        if self.store.holds_back() {
            self.records.hold();
        }
    }

    /// Is told once more that there is something to be watched.
    #[cfg(feature = "test-stores")]
    pub fn notice_again(&self) {
        self.sink.notice(Notice::Opened);
    }

    #[cfg(feature = "test-stores")]
    pub fn dump(&self) -> String {
        self.store.dump()
    }

    /// Registers a policy; the same one has the same number.
    pub fn policy(&mut self, policy: Policy) -> usize {
        let known = self.policies.iter().position(|other| **other == policy);
        known.unwrap_or_else(|| {
            self.policies.push(Rc::new(policy));
            self.policies.len() - 1
        })
    }

    pub fn verifier(&mut self) -> Result<&mut Verifier> {
        self.tokens.as_mut().map(|(verifier, _)| verifier).ok_or_else(|| error(keyless()))
    }

    /// The policy of that number.
    pub(crate) fn registered(&self, policy: f64) -> Result<Rc<Policy>> {
        let policy = whole("policy", policy, 0).map_err(error)?;
        let found = usize::try_from(policy).ok().and_then(|policy| self.policies.get(policy));
        found.cloned().ok_or_else(|| error(Fault::input("no such policy")))
    }

    /// Reads and verifies a credential.
    pub(crate) fn verified(
        &mut self,
        credential: &JsText<'_>,
        flags: u32,
    ) -> Result<std::result::Result<Rc<Token>, Reason>> {
        let now_ms = self.now_ms();
        let Self { scratch, tokens, .. } = self;
        let (verifier, _) = tokens.as_mut().ok_or_else(|| error(keyless()))?;
        let text = scratch.read(credential)?;
        let token = if flags & BARE == 0 { bearer(text) } else { Ok(text) };
        Ok(token.and_then(|token| verifier.verify(token, now_ms)))
    }

    pub fn verify(&mut self, credential: &JsText<'_>, flags: f64) -> Result<f64> {
        let token = self.verified(credential, bits(flags)?)?;
        Ok(f64::from(token.err().unwrap_or(Reason::Allowed) as u8))
    }

    /// Decides under a policy that is registered.
    pub fn decide_registered(&mut self, policy: f64, asked: &Asked<'_>) -> Result<f64> {
        let policy =
            usize::try_from(whole("policy", policy, 0).map_err(error)?).unwrap_or(usize::MAX);
        let token = match self.verified(asked.credential, bits(asked.flags)?)? {
            Ok(token) => token,
            Err(reason) => return Ok(f64::from(reason as u8)),
        };
        let Some(policy) = self.policies.get(policy) else {
            return Err(error(Fault::input("no such policy")));
        };
        let (scope_ok, charge) = policy.apply(&token, asked, self.rule.absolute_ms)?;
        self.decide(&token, scope_ok, charge, asked)
    }

    /// Decides under a policy that is not registered.
    pub fn decide_adhoc(&mut self, policy: &Policy, asked: &Asked<'_>) -> Result<f64> {
        match self.verified(asked.credential, bits(asked.flags)?)? {
            Ok(token) => {
                let (scope_ok, charge) = policy.apply(&token, asked, self.rule.absolute_ms)?;
                self.decide(&token, scope_ok, charge, asked)
            }
            Err(reason) => Ok(f64::from(reason as u8)),
        }
    }

    /// One operation, one verdict: all of a request that depends on the store.
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
        let refundable = charge.as_ref().filter(|charge| charge.spend.receipt.is_some());
        let draft = refundable.map(|charge| Box::new(Draft::of(&token.user, charge)));
        let touch = bits(asked.flags)? & DECIDED == 0;
        let act = Act::Decide(Decide { scope_ok, charge, ..self.decide_token(token, rule, touch) });
        let ticket = self.tickets.draw();
        let op = self.op(act);
        let session_is_token = token.session_is_token;
        match self.store.submit(op, ticket, &self.sink) {
            Some(Ok(Verdict::Decision(mut decision))) => {
                let charge = self.charges.keep(draft.map(|draft| *draft), &decision);
                let numbers = [charge, self.evicted.keep(&mut decision)];
                self.records.decision(0, 0.0, &decision, session_is_token, numbers);
                Ok(f64::from(decision.reason as u8))
            }
            Some(Ok(_)) => Err(error(Fault::unavailable("the store answered another question"))),
            Some(Err(fault)) if fault.is_outage() => {
                self.records.outage(0, 0.0);
                Ok(f64::from(Reason::StoreUnavailable as u8))
            }
            Some(Err(fault)) => Err(error(fault)),
            None => {
                self.tickets.wait(ticket, Continuation::Decide { session_is_token, draft });
                self.note_held();
                Ok(-number(ticket))
            }
        }
    }

    /// A decision about this token, before scopes and quota.
    pub(crate) fn decide_token<'a>(
        &self,
        token: &'a Token,
        rule: AdmissionRule,
        touch: bool,
    ) -> Decide<'a> {
        Decide {
            user: Cow::Borrowed(&token.user),
            token: Cow::Borrowed(&token.key),
            issued: token.issued,
            issuer: Cow::Borrowed(&token.issuer),
            session: Cow::Borrowed(&token.session),
            check: checked(token, self.check),
            rule,
            scope_ok: true,
            touch,
            charge: None,
        }
    }

    pub(crate) fn op<'a>(&self, act: Act<'a>) -> Op<'a> {
        Op { act, horizon_ms: self.rules.horizon_ms(), most_lead_ms: self.rules.most_lead_ms() }
    }

    /// Submits any other operation.
    pub fn submit(&mut self, act: Act<'_>, continuation: Continuation) -> Result<NowOrLater> {
        let ticket = self.tickets.draw();
        let op = self.op(act);
        match self.store.submit(op, ticket, &self.sink) {
            Some(outcome) => self.finish(outcome, continuation).map(Either::A),
            None => {
                self.tickets.wait(ticket, continuation);
                self.note_held();
                Ok(Either::B(-number(ticket)))
            }
        }
    }

    /// Whether the session of a token is looked at.
    pub fn session_check_of(&self, token: &Token) -> SessionCheck {
        checked(token, self.check)
    }

    /// What signs tokens, and by what rules.
    pub fn issuer(&self) -> Result<(&Issuer, &Rules)> {
        let issuer = self.tokens.as_ref().and_then(|(_, issuer)| issuer.as_ref());
        issuer.map(|issuer| (issuer, &self.rules)).ok_or_else(|| error(keyless()))
    }

    pub fn can_issue(&self) -> bool {
        self.tokens.as_ref().is_some_and(|(_, issuer)| issuer.is_some())
    }
}

/// Whether a token's session is looked at: of a login always.
pub(crate) fn checked(token: &Token, check: SessionCheck) -> SessionCheck {
    if token.from_login { SessionCheck::Explicit } else { check }
}

fn bits(flags: f64) -> Result<u32> {
    let flags = whole("flags", flags, 0).map_err(error)?;
    u32::try_from(flags).map_err(|_| error(Fault::input("flags out of range")))
}
