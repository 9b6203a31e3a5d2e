//! The steps of an operation that is observed: which store is asked, what follows from its answer. Pure; who asks
//! is `observing`.

use crate::core::api_key::ops::{KeyAnswer, KeyOp, KeyUsed, Use};
use crate::core::base::error::Fault;
use crate::core::base::reason::{Reason, Reasons};
use crate::core::family::ops::{FamilyAnswer, FamilyOp, LoginAnswer, RefreshAnswer};
use crate::core::op::{Act, Op, Verdict};
use crate::core::op::{Observe, Outcome};
use crate::core::quota::idempotency::Idempotency;
use crate::core::quota::spend::{Consume, Refund};
use crate::core::quota::state::{Consumption, QuotaRule, Refill, Spend};
use crate::core::request::credential::Credential;
use crate::core::request::request::{Admission, Decide, Decision, SessionCheck, SessionView};
use crate::core::turn::ops::{Ask, TurnOp};
use std::borrow::Cow;

/// Which of the two stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// Where revocations, blocks and keys are.
    Real,
    /// Where the trial's sessions and charges are.
    Trial,
}

/// What comes next.
pub enum Next {
    /// Nothing: this is what it comes to.
    Done(Outcome),
    /// A question to one of the stores, and what follows from its answer.
    Ask(At, Box<Act<'static>>, Then),
}

/// What follows from an answer.
pub enum Then {
    /// The real record was looked at: the trial's decides.
    Decide(Box<Decide<'static>>),
    /// The trial has decided.
    Join(Seen),
    /// The real key was looked at: its own quota is charged in the trial.
    Use(Box<Use<'static>>),
    /// It was: the trial's record decides.
    Own(Box<Use<'static>>, Box<KeyUsed>, Own),
    /// The trial has decided, with this charged to the key's own quota.
    Used(Seen, Box<KeyUsed>, Option<(Own, Consumption)>),
    /// What was charged to the key's own quota was given back.
    GivenBack(Box<KeyUsed>),
    /// It is known whether the user is blocked: if not, the trial is asked.
    Unblocked(Box<Act<'static>>),
    /// The user's real sessions were ended, so many: the trial's follow.
    EndTrial(Cow<'static, str>),
    /// All were, these many of the real ones.
    Sum(u64),
    /// The trial's store is asked as well; the real one's answer counts.
    Both,
    /// It is over, with this answer.
    Answer(Box<Verdict>),
    /// It is over, with the trial's answer.
    Last,
    /// It has failed: what was charged by then is given back.
    Fault(Fault),
}

/// What of a request the real record has said.
#[derive(Clone, Copy)]
pub struct Seen {
    /// The session that lives there, where the trial was not asked for it.
    session: Option<SessionView>,
    lives: bool,
    /// The session has ended there.
    ended: bool,
}

/// A charge of a key's own quota.
pub struct Own {
    key: String,
    units: u64,
    memory: Option<[u8; 16]>,
}

/// The store that answers an operation alone; `None`: it takes steps in both.
pub fn simply_at(act: &Act<'_>) -> Option<At> {
    match act.row().observe {
        Observe::Trial => Some(At::Trial),
        Observe::Real => Some(At::Real),
        Observe::Steps => None,
    }
}

/// What a later step of a request is asked for stands by what is real: sessions of a trial end nobody's work.
pub fn without_session(mut op: Op<'_>) -> Op<'_> {
    let credential = match &mut op.act {
        Act::Standing { credential, .. } => Some(credential),
        Act::Apply(apply) => apply.credential.as_mut(),
        Act::Turn(TurnOp::Ask(Ask { credential, .. })) => credential.as_mut(),
        _ => None,
    };
    if let Some(token) = credential.and_then(|credential| credential.token.as_mut()) {
        token.check = SessionCheck::Skip;
    }
    op
}

/// The first step of an act that takes several.
pub fn begin(act: Act<'static>) -> Next {
    let (asked, then) = match act {
        Act::Decide(decide) => (Act::Decide(look(&decide)), Then::Decide(Box::new(decide))),
        Act::ApiKey(KeyOp::Use(asked)) => {
            let glance = Use {
                decide: look(&asked.decide),
                cost: 0,
                once: None,
                receipt: None,
                scopes: asked.scopes.clone(),
                id: asked.id.clone(),
                digest: asked.digest,
            };
            (Act::ApiKey(KeyOp::Use(Box::new(glance))), Then::Use(asked))
        }
        Act::RevokeUser { ref user, .. } | Act::BlockUser { ref user, .. } => {
            let user = user.clone();
            (act, Then::EndTrial(user))
        }
        Act::Ping => (Act::Ping, Then::Both),
        act => {
            let user = Cow::Owned(act.user().unwrap_or_default().to_owned());
            let credential = Credential::default();
            (Act::Standing { user, credential }, Then::Unblocked(Box::new(act)))
        }
    };
    Next::Ask(At::Real, Box::new(asked), then)
}

/// What follows from the answer to a step.
pub fn go_on(then: Then, outcome: Outcome) -> Next {
    let verdict = match (then, outcome) {
        (then, Ok(verdict)) => return go_on_with(then, verdict),
        // The denial stands, whether or not the charge came back.
        (then @ Then::GivenBack(_), Err(_)) => return go_on_with(then, Verdict::Flag(false)),
        // What is real was done, and is told.
        (Then::Sum(real), Err(_)) => Ok(Verdict::Count(real)),
        (Then::Used(_, _, Some((own, charged))), Err(fault)) => {
            return match refund(own, &charged) {
                Some(refund) => ask(At::Trial, refund, Then::Fault(fault)),
                None => Next::Done(Err(fault)),
            };
        }
        (Then::Fault(fault), Err(_)) | (_, Err(fault)) => Err(fault),
    };
    Next::Done(verdict)
}

fn go_on_with(then: Then, verdict: Verdict) -> Next {
    match (then, verdict) {
        (Then::Decide(decide), Verdict::Decision(found)) => {
            let Some(seen) = seen(&decide, &found) else {
                return Next::Done(Ok(Verdict::Decision(found)));
            };
            ask(At::Trial, Act::Decide(tried(*decide, seen)), Then::Join(seen))
        }
        (Then::Join(seen), Verdict::Decision(tried)) => {
            Next::Done(Ok(Verdict::Decision(joined(tried, seen))))
        }
        (Then::Use(asked), Verdict::ApiKey(KeyAnswer::Used(used))) => use_key(asked, used),
        (Then::Own(asked, used, own), Verdict::Consumption(charged)) => {
            let Some(seen) = seen(&asked.decide, &used.decision) else {
                return Next::Done(Ok(Verdict::ApiKey(KeyAnswer::Used(used))));
            };
            let mut decide = tried(asked.decide, seen);
            // Where the key has nothing left, the rest is only looked at.
            decide.scope_ok &= charged.allowed;
            let then = Then::Used(seen, used, Some((own, charged)));
            ask(At::Trial, Act::Decide(decide), then)
        }
        (Then::Used(seen, used, own), Verdict::Decision(tried)) => key_used(seen, used, own, tried),
        (Then::GivenBack(used), _) => Next::Done(Ok(Verdict::ApiKey(KeyAnswer::Used(used)))),
        (Then::Unblocked(act), Verdict::Standing(Reason::UserBlocked)) => {
            Next::Done(Ok(blocked(&act)))
        }
        (Then::Unblocked(act), Verdict::Standing(_)) => ask(At::Trial, *act, Then::Last),
        (Then::EndTrial(user), Verdict::Count(ended)) => {
            ask(At::Trial, Act::EndAll { user, except: None }, Then::Sum(ended))
        }
        (Then::Sum(real), Verdict::Count(trial)) => Next::Done(Ok(Verdict::Count(real + trial))),
        (Then::Both, real) => ask(At::Trial, Act::Ping, Then::Answer(Box::new(real))),
        (Then::Answer(answer), _) => Next::Done(Ok(*answer)),
        (Then::Fault(fault), _) => Next::Done(Err(fault)),
        // Or no answer to what was asked: whoever waits is told so.
        (_, verdict) => Next::Done(Ok(verdict)),
    }
}

fn ask(at: At, act: Act<'static>, then: Then) -> Next {
    Next::Ask(at, Box::new(act), then)
}

/// The same request, to be looked at by the real record: nothing is touched or charged, and of the session only what login()
/// has admitted is asked for.
fn look(decide: &Decide<'static>) -> Decide<'static> {
    let check = match decide.check {
        SessionCheck::Explicit => SessionCheck::Explicit,
        SessionCheck::Skip | SessionCheck::FirstUse => SessionCheck::Skip,
    };
    Decide { check, touch: false, charge: None, ..decide.clone() }
}

/// `None`: what was found stands, whatever the trial says.
fn seen(decide: &Decide<'_>, found: &Decision) -> Option<Seen> {
    let ended = found.would_deny.has(Reason::SessionEnded);
    let unknown = found.would_deny.has(Reason::SessionUnknown);
    let of_session = [Reason::SessionEnded, Reason::SessionUnknown, Reason::ScopeMissing];
    let others = of_session.into_iter().fold(found.would_deny, Reasons::without);
    let lives = decide.check == SessionCheck::Explicit && !ended && !unknown;
    (others == Reasons::default()).then_some(Seen { session: found.session, lives, ended })
}

/// The request as the trial decides it. A session that lives in the real record is not asked for again.
fn tried(decide: Decide<'static>, seen: Seen) -> Decide<'static> {
    let check = if seen.lives { SessionCheck::Skip } else { decide.check };
    Decide { check, ..decide }
}

fn joined(mut tried: Decision, seen: Seen) -> Decision {
    if seen.lives && tried.reason == Reason::Allowed {
        tried.session = seen.session;
    }
    if seen.ended && tried.would_deny.has(Reason::SessionUnknown) {
        let mut ended = Reasons::default();
        ended.add(Reason::SessionEnded);
        tried.deny_as_well(ended);
    }
    tried
}

fn use_key(asked: Box<Use<'static>>, used: Box<KeyUsed>) -> Next {
    let Some(seen) = seen(&asked.decide, &used.decision) else {
        return Next::Done(Ok(Verdict::ApiKey(KeyAnswer::Used(used))));
    };
    let rule = used.facts.as_ref().and_then(|facts| facts.rule);
    let has_scopes = !used.decision.would_deny.has(Reason::ScopeMissing);
    if let Some(rule) = rule.filter(|_| has_scopes) {
        let (own, act) = own_charge(&asked, rule);
        return ask(At::Trial, act, Then::Own(asked, used, own));
    }
    let mut decide = tried(asked.decide, seen);
    decide.scope_ok &= has_scopes;
    ask(At::Trial, Act::Decide(decide), Then::Used(seen, used, None))
}

/// A key's own quota, as the trial counts it. No key of quotas that lie apart begins like this: docs/layout.md.
fn own_charge(asked: &Use<'static>, rule: QuotaRule) -> (Own, Act<'static>) {
    let algorithm = match rule.refill {
        Refill::Never => 'b',
        Refill::Window(_) => 'w',
        Refill::Bucket(_) => 'g',
    };
    let key = format!("{algorithm}o{}", asked.id);
    // What is remembered of a key lies with it in the real record: here its id tells it apart. A look is not remembered.
    let once = asked.once.filter(|_| asked.cost > 0).map(|Idempotency { mut name, question }| {
        for (at, byte) in asked.id.bytes().enumerate() {
            name[at % 16] ^= byte;
        }
        Idempotency { name, question }
    });
    let spend = Spend { receipt: asked.receipt, ..Spend::of(asked.cost) };
    let own = Own { key: key.clone(), units: asked.cost, memory: once.map(|once| once.name) };
    (own, Act::Consume(Consume { key: key.into(), rule, spend, once }))
}

fn key_used(
    seen: Seen,
    mut used: Box<KeyUsed>,
    own: Option<(Own, Consumption)>,
    tried: Decision,
) -> Next {
    let mut decision = joined(tried, seen);
    let Some((own, charged)) = own else {
        used.decision = decision;
        return Next::Done(Ok(Verdict::ApiKey(KeyAnswer::Used(used))));
    };
    if !charged.allowed {
        decision.would_deny = decision.would_deny.without(Reason::ScopeMissing);
        decision.reason = decision.would_deny.first();
        let mut spent = Reasons::default();
        spent.add(Reason::QuotaExhausted);
        decision.deny_as_well(spent);
    }
    let told = decision.may_tell_quotas();
    let denied = decision.reason != Reason::Allowed;
    used.decision = decision;
    let units = own.units;
    let back = if denied { refund(own, &charged) } else { None };
    used.own = told.then(|| match back {
        Some(_) => Consumption { remaining: charged.remaining + units, ..charged },
        None => charged,
    });
    match back {
        Some(refund) => ask(At::Trial, refund, Then::GivenBack(used)),
        None => Next::Done(Ok(Verdict::ApiKey(KeyAnswer::Used(used)))),
    }
}

/// What gives a charge of a key's own quota back, where there was one.
fn refund(Own { key, units, memory }: Own, told: &Consumption) -> Option<Act<'static>> {
    let charged = told.charged.filter(|_| !told.replayed)?;
    let refund = Refund {
        user: None,
        lasting: false,
        key: key.into(),
        charged,
        units,
        memory,
        of_request: false,
    };
    Some(Act::Refund(refund))
}

/// What an act comes to whose user is blocked.
fn blocked(act: &Act<'static>) -> Verdict {
    let admission = |limit| Admission {
        reason: Reason::UserBlocked,
        session: None,
        existing: false,
        active: 0,
        limit,
        evicted: Vec::new(),
        retry_after_ms: None,
    };
    match act {
        Act::Admit(admit) => Verdict::Admission(Box::new(admission(admit.rule.limit))),
        Act::Family(FamilyOp::Login(login)) => {
            let refused = LoginAnswer::Refused(admission(login.admit.rule.limit));
            Verdict::Family(FamilyAnswer::Login(Box::new(refused)))
        }
        Act::Family(_) => Verdict::Family(FamilyAnswer::Refresh(Box::new(RefreshAnswer::Revoked))),
        _ => Verdict::Standing(Reason::UserBlocked),
    }
}
