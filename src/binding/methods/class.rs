//! The class that JavaScript holds: its methods parse arguments, and do nothing else.

use crate::binding::config;
use crate::binding::config::{GateConfig, QuotaConfig, whole};
use crate::binding::flows::continuation::Continuation;
use crate::binding::flows::policy::{Asked, Policy};
use crate::binding::io::text::JsText;
use crate::binding::io::watcher::Listener;
use crate::binding::results::records::Records;
use crate::binding::results::result::{
    NativeCursor, NativeEvent, NativeHealth, Outcome, Result, error, number,
};
use crate::binding::runtime::auth::{GateInner, NowOrLater};
use crate::binding::runtime::slots::{enter, enter_still, guarded, register};
use crate::core::base::error::Fault;
use crate::core::op::Act;
use crate::core::request::request::Admit;
use crate::core::session::session::Cursor;
use crate::tokens::identity::{MAX_ID, TokenName, token_key};
use crate::tokens::jwt::issue::{Request, random_id};
use napi::Env;
use napi::bindgen_prelude::{Either, Function, JsValue, Unknown};
use napi_derive::napi;
use std::borrow::Cow;
use std::cell::RefCell;
use std::rc::Rc;

/// How much longer than its token a revocation is remembered, beyond the tolerance: processes whose
/// clocks differ, and the step between two checks, must not bring a token back.
const REVOCATION_MARGIN_MS: u64 = 60_000;

/// One Auth's native half.
#[napi]
pub struct Gate {
    pub(crate) inner: Rc<RefCell<GateInner>>,
    number: usize,
}

pub(crate) fn id(name: &str, value: String) -> Result<String> {
    if value.is_empty() || value.len() > MAX_ID {
        return Err(error(Fault::input(format!("{name} must have 1 to {MAX_ID} bytes"))));
    }
    Ok(value)
}

fn ms(name: &str, value: f64) -> Result<u64> {
    whole(name, value, 0).map_err(error)
}

pub(crate) fn optional_ms(name: &str, value: f64) -> Result<Option<u64>> {
    if value.is_nan() { Ok(None) } else { ms(name, value).map(Some) }
}

#[napi]
impl Gate {
    /// Throws `ERR_LATCHGATE_CONFIG`, naming the option and the cure.
    #[napi(constructor)]
    pub fn new(
        env: Env,
        config: GateConfig,
        #[napi(ts_arg_type = "Float64Array")] verdict: Unknown<'_>,
        wake: Function<(), ()>,
    ) -> Result<Self> {
        guarded(|| {
            let listener = Listener::new(env.raw(), wake.raw());
            let wake =
                wake.build_threadsafe_function().weak::<true>().callee_handled::<false>().build();
            let wake = wake.map_err(|_| error(Fault::config("the wake function is refused")))?;
            let inner = GateInner::new(&config, Records::new(&verdict)?, wake).map_err(error)?;
            let inner = Rc::new(RefCell::new(inner));
            let number = register(&inner);
            if let Some(listener) = listener.filter(|_| config.own_loop == Some(true)) {
                GateInner::watch(&inner, listener);
            }
            Ok(Self { inner, number })
        })
    }

    /// The number that `decide` takes.
    #[napi(getter)]
    pub fn number(&self) -> f64 {
        number(self.number as u64)
    }

    /// Registers a policy; the same one has the same number, one that demands nothing has 0.
    #[napi]
    pub fn policy(&self, scopes: Vec<String>, quota: Option<QuotaConfig>) -> Result<f64> {
        let policy = Policy::new(scopes, quota)?;
        enter(&self.inner, |gate| Ok(number(gate.policy(policy) as u64)))
    }

    /// `decide` under a policy that is not registered.
    #[allow(clippy::too_many_arguments)]
    #[napi]
    pub fn decide_adhoc(
        &self,
        scopes: Vec<String>,
        quota: Option<QuotaConfig>,
        credential: JsText<'_>,
        flags: f64,
        limit: f64,
        cost: f64,
        named: Option<String>,
        idempotency_key: Option<String>,
    ) -> Result<f64> {
        let policy = Policy::new(scopes, quota)?;
        let asked = Asked { credential: &credential, flags, limit, cost, named, idempotency_key };
        enter(&self.inner, |gate| gate.decide_adhoc(&policy, &asked))
    }

    /// Signature and claims, no store: 0, or the number of the reason.
    #[napi]
    pub fn verify(&self, credential: JsText<'_>, flags: f64) -> Result<f64> {
        enter(&self.inner, |gate| gate.verify(&credential, flags))
    }

    /// Moves up to 64 completions into the verdict records; 0 when there are no more.
    #[napi]
    pub fn drain(&self) -> Result<f64> {
        enter_still(&self.inner, |gate| Ok(number(gate.drain() as u64)))
    }

    /// The ids of the sessions that made room for one, by the number in its verdict record; told once.
    #[napi]
    pub fn evicted(&self, number: f64) -> Result<Vec<String>> {
        let number = whole("number", number, 0).map_err(error)?;
        enter_still(&self.inner, |gate| Ok(gate.evicted.take(number)))
    }

    /// The outcome announced by a record with code -1.
    #[napi]
    pub fn take(&self, ticket: f64) -> Result<Outcome> {
        enter_still(&self.inner, |gate| gate.take(ticket))
    }

    #[allow(clippy::too_many_arguments)]
    #[napi]
    pub fn admit(
        &self,
        user_id: String,
        session_id: Option<String>,
        device_json: Option<String>,
        limit: f64,
        evict_oldest: bool,
        idle_ms: f64,
        absolute_ms: f64,
    ) -> Result<NowOrLater> {
        let user = id("userId", user_id)?;
        let session = match session_id {
            Some(session) => id("sessionId", session)?,
            None => random_id().map_err(error)?,
        };
        let hard_limit = self.inner.borrow().rule.hard_limit;
        let rule =
            config::rule(limit, evict_oldest, idle_ms, absolute_ms, hard_limit).map_err(error)?;
        self.submit(Act::Admit(Admit {
            user: user.into(),
            session: session.into(),
            device: device_json.map(Cow::Owned),
            rule,
        }))
    }

    #[napi]
    pub fn touch(&self, user_id: String, session_id: String) -> Result<NowOrLater> {
        let (user, session) = (id("userId", user_id)?, id("sessionId", session_id)?);
        self.submit(Act::Touch { user: user.into(), session: session.into() })
    }

    #[napi]
    pub fn end(&self, user_id: String, session_id: String) -> Result<NowOrLater> {
        let (user, session) = (id("userId", user_id)?, id("sessionId", session_id)?);
        self.submit(Act::End { user: user.into(), session: session.into() })
    }

    #[napi]
    pub fn end_all(&self, user_id: String, except: Option<String>) -> Result<NowOrLater> {
        let user = id("userId", user_id)?;
        let except = except.map(|session| id("except", session)).transpose()?;
        self.submit(Act::EndAll { user: user.into(), except: except.map(Cow::Owned) })
    }

    /// A page of the live sessions. `from`: where it begins, as the page before said; none for the first.
    #[napi]
    pub fn list(&self, user_id: String, from: Option<NativeCursor>) -> Result<NowOrLater> {
        let from = match from {
            None => Cursor::START,
            Some(NativeCursor { at, skip }) => Cursor {
                at: config::whole("at", at, 0).map_err(error)?,
                skip: config::whole("skip", skip, 0).map_err(error)?,
            },
        };
        self.submit(Act::List { user: id("userId", user_id)?.into(), from })
    }

    #[napi]
    pub fn issue(
        &self,
        user_id: String,
        session_id: Option<String>,
        claims_json: Option<String>,
        scope: Option<String>,
        ttl_ms: f64,
    ) -> Result<NowOrLater> {
        let user = id("userId", user_id)?;
        let session = session_id.map(|session| id("sessionId", session)).transpose()?;
        let ttl_ms = whole("ttl", ttl_ms, 1).map_err(error)?;
        let act = Act::NextGeneration { user: Cow::Owned(user.clone()) };
        let request = Request { user, session, claims: claims_json, scope, ttl_ms, login: false };
        enter(&self.inner, |gate| {
            if !gate.can_issue() {
                return Err(error(Fault::config(
                    "no key to sign with is configured: give jwt.secret or jwt.privateKey",
                )));
            }
            gate.submit(act, Continuation::Issue(request))
        })
    }

    #[napi]
    pub fn revoke(&self, token: String) -> Result<NowOrLater> {
        let found = enter(&self.inner, |gate| {
            let now_ms = gate.now_ms();
            let tolerance_ms = gate.rules.tolerance_ms;
            let token = gate.verifier()?.identify(&token).ok();
            Ok(token.filter(|token| token.expires_ms.saturating_add(tolerance_ms) > now_ms))
        })?;
        match found {
            Some(token) => self.revoke_key(token.user.into_string(), token.key, token.expires_ms),
            None => Ok(Either::A(flag(false))),
        }
    }

    #[napi]
    pub fn revoke_id(
        &self,
        jti: String,
        user_id: String,
        expires_at: f64,
        iss: Option<String>,
    ) -> Result<NowOrLater> {
        let (user, key) = self.named_token(jti, user_id, iss)?;
        let expires_ms = ms("expiresAt", expires_at)?;
        if (100_000_000..100_000_000_000).contains(&expires_ms) {
            return Err(error(Fault::input(
                "expiresAt is in milliseconds since the epoch; this looks like seconds, as in a token's exp",
            )));
        }
        let dead = enter(&self.inner, |gate| {
            Ok(expires_ms.saturating_add(gate.rules.tolerance_ms) <= gate.now_ms())
        })?;
        if dead { Ok(Either::A(flag(false))) } else { self.revoke_key(user, key, expires_ms) }
    }

    #[napi]
    pub fn is_revoked(&self, token: String) -> Result<NowOrLater> {
        let found = enter(&self.inner, |gate| Ok(gate.verifier()?.identify(&token).ok()))?;
        match found {
            Some(token) => self.submit(Act::IsRevoked {
                user: Cow::Owned(token.user.into_string()),
                token: Cow::Owned(token.key.into_vec()),
                issued: Some(token.issued),
            }),
            // What does not verify stands for nothing: fail closed.
            None => Ok(Either::A(flag(true))),
        }
    }

    #[napi]
    pub fn is_revoked_id(
        &self,
        jti: String,
        user_id: String,
        iss: Option<String>,
    ) -> Result<NowOrLater> {
        let (user, key) = self.named_token(jti, user_id, iss)?;
        // An id says nothing of when it was issued: where an epoch stands, it has fallen. Fail closed.
        self.submit(Act::IsRevoked {
            user: user.into(),
            token: key.into_vec().into(),
            issued: None,
        })
    }

    #[napi]
    pub fn revoke_user(&self, user_id: String, api_keys: bool) -> Result<NowOrLater> {
        let user = id("userId", user_id)?;
        let lead = self.inner.borrow().rules.lead_of(&user);
        self.submit(Act::RevokeUser { user: user.into(), keys: api_keys, lead })
    }

    #[napi]
    pub fn block_user(&self, user_id: String, until: f64) -> Result<NowOrLater> {
        let user = id("userId", user_id)?;
        let until_ms = optional_ms("until", until)?;
        let lead = self.inner.borrow().rules.lead_of(&user);
        self.submit(Act::BlockUser { user: user.into(), until_ms, lead })
    }

    #[napi]
    pub fn unblock_user(&self, user_id: String) -> Result<NowOrLater> {
        self.submit(Act::UnblockUser { user: id("userId", user_id)?.into() })
    }

    #[napi]
    pub fn ping(&self) -> Result<NowOrLater> {
        self.submit(Act::Ping)
    }

    /// Sends what was held back so that the calls of one turn travel together.
    #[napi]
    pub fn flush(&self) -> Result<()> {
        enter_still(&self.inner, |gate| {
            gate.flush();
            Ok(())
        })
    }

    /// What is known of the store.
    #[napi]
    pub fn health(&self) -> Result<NativeHealth> {
        enter(&self.inner, |gate| Ok(gate.health()))
    }

    /// What was told of the store since it was last asked for.
    #[napi]
    pub fn events(&self) -> Result<Vec<NativeEvent>> {
        enter_still(&self.inner, |gate| Ok(gate.events()))
    }

    /// Drops expired entries of a slice of the store; returns how many records went.
    #[napi]
    pub fn sweep(&self) -> Result<f64> {
        enter(&self.inner, |gate| Ok(number(gate.sweep() as u64)))
    }

    /// Afterwards everything throws `ERR_LATCHGATE_CLOSED`.
    #[napi]
    pub fn close(&self) -> Result<()> {
        guarded(|| {
            self.inner.borrow_mut().close();
            Ok(())
        })
    }
}

#[cfg(feature = "test-stores")]
#[napi]
impl Gate {
    /// Everything that stands in the store, in a canonical form.
    #[napi]
    pub fn dump(&self) -> Result<String> {
        enter(&self.inner, |gate| Ok(gate.dump()))
    }

    /// Is told once more that there is something to be watched.
    #[napi]
    pub fn notice_again(&self) -> Result<()> {
        enter(&self.inner, |gate| {
            gate.notice_again();
            Ok(())
        })
    }
}

impl Gate {
    pub(crate) fn submit(&self, act: Act<'_>) -> Result<NowOrLater> {
        enter(&self.inner, |gate| gate.submit(act, Continuation::Plain))
    }

    fn revoke_key(&self, user: String, key: Box<[u8]>, expires_ms: u64) -> Result<NowOrLater> {
        let tolerance_ms = self.inner.borrow().rules.tolerance_ms;
        let until_ms = expires_ms.saturating_add(tolerance_ms).saturating_add(REVOCATION_MARGIN_MS);
        self.submit(Act::RevokeToken { user: user.into(), token: key.into_vec().into(), until_ms })
    }

    /// The user and the key of a token named by its id; with several issuers the issuer must be named.
    fn named_token(
        &self,
        jti: String,
        user_id: String,
        iss: Option<String>,
    ) -> Result<(String, Box<[u8]>)> {
        let (jti, user) = (id("jti", jti)?, id("userId", user_id)?);
        let inner = self.inner.borrow();
        let issuers = &inner.rules.issuers;
        let issuer = match (&iss, issuers.len()) {
            (None, 0 | 1) => Some(0),
            (None, _) => {
                return Err(error(Fault::input(
                    "iss is required where jwt.issuer lists several: the same jti may come from each",
                )));
            }
            (Some(iss), _) => inner.rules.issuer_index(Some(iss)),
        };
        let issuer = issuer.ok_or_else(|| error(Fault::input("iss is not one of jwt.issuer")))?;
        Ok((user, token_key(issuers, issuer, TokenName::Jti(&jti))))
    }
}

pub(crate) fn flag(flag: bool) -> Outcome {
    Outcome { flag: Some(flag), ..Default::default() }
}
