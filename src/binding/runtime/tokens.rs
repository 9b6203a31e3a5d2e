//! Verifies the tokens of one Auth, and signs new ones.

use crate::binding::config::{self, GateConfig};
use crate::binding::convert::{Result, error};
use crate::binding::io::text::{JsText, Scratch};
use crate::core::base::clock::Clock;
use crate::core::base::error::Fault;
use crate::core::base::reason::Reason;
use crate::core::request::request::{Decide, SessionCheck};
use crate::core::session::rule::AdmissionRule;
use crate::tokens::jwt::claims::{Rules, Token};
use crate::tokens::jwt::issue::{Issuer, Request};
use crate::tokens::jwt::verify::Verifier;
use crate::tokens::opaque::credential::bearer;
use std::borrow::Cow;
use std::rc::Rc;
use std::sync::Arc;

/// Flag of `decide`: the credential is a bare token, not a header.
const BARE: u32 = 1;

/// The keys and rules of tokens.
pub struct Tokens {
    /// `None` if no key is configured.
    keys: Option<(Verifier, Option<Issuer>)>,
    pub rules: Rules,
    check: SessionCheck,
    clock: Arc<dyn Clock>,
    scratch: Scratch,
}

/// The fault of a call that needs a key when none is configured.
pub fn keyless() -> Fault {
    Fault::config(
        "no key is configured: give jwt.secret, jwt.publicKey, jwt.jwks or LATCHGATE_JWT_SECRET",
    )
}

impl Tokens {
    /// Reads the keys and rules.
    ///
    /// # Errors
    /// `ERR_LATCHGATE_CONFIG` for a key or a rule that cannot be used.
    pub fn new(
        config: &GateConfig,
        rules: Rules,
        clock: Arc<dyn Clock>,
    ) -> std::result::Result<Self, Fault> {
        Ok(Self {
            keys: config::tokens(config, rules.clone())?,
            check: config::session_check(config.session_mode)?,
            rules,
            clock,
            scratch: Scratch::default(),
        })
    }

    pub fn now_ms(&self) -> u64 {
        self.clock.now_us() / 1000
    }

    pub fn verifier(&mut self) -> Result<&mut Verifier> {
        self.keys.as_mut().map(|(verifier, _)| verifier).ok_or_else(|| error(keyless()))
    }

    /// Hits, misses and bytes of the cache of verified tokens.
    pub fn cached(&self) -> (u64, u64, u64) {
        self.keys.as_ref().map_or((0, 0, 0), |(verifier, _)| verifier.cached())
    }

    /// Reads and verifies a credential. `flags` as in `decide`.
    pub fn verified(
        &mut self,
        credential: &JsText<'_>,
        flags: u32,
    ) -> Result<std::result::Result<Rc<Token>, Reason>> {
        let now_ms = self.now_ms();
        let Self { scratch, keys, .. } = self;
        let (verifier, _) = keys.as_mut().ok_or_else(|| error(keyless()))?;
        let text = scratch.read(credential)?;
        let token = if flags & BARE == 0 { bearer(text) } else { Ok(text) };
        Ok(token.and_then(|token| verifier.verify(token, now_ms)))
    }

    /// How the session of a token is checked. The session of a login's token is always checked.
    pub fn session_check(&self, token: &Token) -> SessionCheck {
        if token.from_login { SessionCheck::Explicit } else { self.check }
    }

    /// A decision about a token, before scopes and quota.
    pub fn decide<'a>(&self, token: &'a Token, rule: AdmissionRule, touch: bool) -> Decide<'a> {
        Decide {
            user: Cow::Borrowed(&token.user),
            token: Cow::Borrowed(&token.key),
            issued: token.issued,
            issuer: Cow::Borrowed(&token.issuer),
            session: Cow::Borrowed(&token.session),
            check: self.session_check(token),
            rule,
            scope_ok: true,
            touch,
            charge: None,
        }
    }

    fn issuer(&self) -> std::result::Result<&Issuer, Fault> {
        self.keys.as_ref().and_then(|(_, issuer)| issuer.as_ref()).ok_or_else(keyless)
    }

    pub fn can_issue(&self) -> bool {
        self.issuer().is_ok()
    }

    /// Refuses a call that needs a key to sign with.
    pub fn assert_can_issue(&self) -> Result<()> {
        self.issuer().map(drop).map_err(error)
    }

    /// Checks that an access token can be signed, before anything is done for it.
    pub fn check_request(&self, request: &Request) -> std::result::Result<(), Fault> {
        self.issuer()?.check(request, &self.rules, self.now_ms())
    }

    /// Signs an access token.
    pub fn issue(&self, request: &Request, generation: u64, now_ms: u64) -> Result<String> {
        let issuer = self.issuer().map_err(error)?;
        issuer.issue(request, generation, &self.rules, now_ms).map_err(error)
    }
}
