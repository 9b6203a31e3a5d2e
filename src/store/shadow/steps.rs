//! The steps of an operation in observe mode: which store is asked, and the next step for its answer. Pure
//! functions. The module `store` runs them.

use crate::core::api_key::ops::{KeyAnswer, KeyOp, KeyUsed, Use};
use crate::core::base::error::Fault;
use crate::core::base::reason::{Reason, Reasons};
use crate::core::family::ops::{FamilyAnswer, FamilyOp, LoginAnswer, RefreshAnswer};
use crate::core::op::{Act, Answer, Op};
use crate::core::op::{Observe, Outcome};
use crate::core::quota::idempotency::Idempotency;
use crate::core::quota::spend::{Consume, Refund};
use crate::core::quota::state::{Consumption, QuotaRule, Refill, Spend};
use crate::core::request::credential::Credential;
use crate::core::request::request::{Admission, Decide, Decision, SessionCheck, SessionView};
use crate::core::turn::ops::{Ask, TurnOp};
use std::borrow::Cow;

/// One of the two stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// The store with the real revocations, blocks and keys.
    Real,
    /// The store with the sessions and charges of the trial.
    Trial,
}

/// The next step.
pub enum Next {
    /// No further step: this is the outcome.
    Done(Outcome),
    /// A question to one of the stores, and the step for its answer.
    Ask(At, Box<Act<'static>>, Then),
}

/// The step for an answer.
pub enum Then {
    /// The real record was read. The trial decides next.
    Decide(Box<Decide<'static>>),
    /// The trial has decided.
    Join(Seen),
    /// The real key was read. Its own quota is charged in the trial next.
    Use(Box<Use<'static>>),
    /// The key's own quota was charged. The trial's record decides next.
    Own(Box<Use<'static>>, Box<KeyUsed>, Own),
    /// The trial has decided, after this charge to the key's own quota.
    Used(Seen, Box<KeyUsed>, Option<(Own, Consumption)>),
    /// The charge to the key's own quota was refunded.
    GivenBack(Box<KeyUsed>),
    /// The real store has reported whether the user is blocked. If not, the trial is asked.
    Unblocked(Box<Act<'static>>),
    /// The real sessions of this user were ended. The sessions of the trial follow.
    EndTrial(Cow<'static, str>),
    /// All sessions were ended. This is the number of real ones.
    Sum(u64),
    /// The trial is asked too. The answer of the real store counts.
    Both,
    /// Ends with this answer.
    Answer(Box<Answer>),
    /// Ends with the answer of the trial.
    Last,
    /// Ends with this fault, after a refund of the earlier charge.
    Fault(Fault),
}

/// The result of the real record for a request.
#[derive(Clone, Copy)]
pub struct Seen {
    /// The real session, if the trial was not asked for it.
    session: Option<SessionView>,
    lives: bool,
    /// The real session has ended.
    ended: bool,
}

/// A charge of a key's own quota.
pub struct Own {
    key: String,
    units: u64,
    memory: Option<[u8; 16]>,
}

/// Returns the store that answers an operation alone. `None`: the operation takes steps in both stores.
pub fn simply_at(act: &Act<'_>) -> Option<At> {
    match act.row().observe {
        Observe::Trial => Some(At::Trial),
        Observe::Real => Some(At::Real),
        Observe::Steps => None,
    }
}

/// Removes the session check from a later step of a request. Only the real state counts there: the end of a
/// trial's session must not stop real work.
pub fn without_session(mut op: Op<'_>) -> Op<'_> {
    let credential = match &mut op.act {
        Act::CheckCredential { credential, .. } => Some(credential),
        Act::Apply(apply) => apply.credential.as_mut(),
        Act::Turn(TurnOp::Ask(Ask { credential, .. })) => credential.as_mut(),
        _ => None,
    };
    if let Some(token) = credential.and_then(|credential| credential.token.as_mut()) {
        token.check = SessionCheck::Skip;
    }
    op
}

/// Returns the first step of an act that takes several.
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
            (Act::CheckCredential { user, credential }, Then::Unblocked(Box::new(act)))
        }
    };
    Next::Ask(At::Real, Box::new(asked), then)
}

/// Returns the next step for an answer.
pub fn go_on(then: Then, outcome: Outcome) -> Next {
    let verdict = match (then, outcome) {
        (then, Ok(verdict)) => return go_on_with(then, verdict),
        // The denial is final, whether or not the refund succeeded.
        (then @ Then::GivenBack(_), Err(_)) => return go_on_with(then, Answer::Flag(false)),
        // The real sessions were ended, so their number is reported.
        (Then::Sum(real), Err(_)) => Ok(Answer::Count(real)),
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

fn go_on_with(then: Then, verdict: Answer) -> Next {
    match (then, verdict) {
        (Then::Decide(decide), Answer::Decision(found)) => {
            let Some(seen) = seen(&decide, &found) else {
                return Next::Done(Ok(Answer::Decision(found)));
            };
            ask(At::Trial, Act::Decide(tried(*decide, seen)), Then::Join(seen))
        }
        (Then::Join(seen), Answer::Decision(tried)) => {
            Next::Done(Ok(Answer::Decision(joined(tried, seen))))
        }
        (Then::Use(asked), Answer::ApiKey(KeyAnswer::Used(used))) => use_key(asked, used),
        (Then::Own(asked, used, own), Answer::Consumption(charged)) => {
            let Some(seen) = seen(&asked.decide, &used.decision) else {
                return Next::Done(Ok(Answer::ApiKey(KeyAnswer::Used(used))));
            };
            let mut decide = tried(asked.decide, seen);
            // If the key has no units left, the rest is only checked.
            decide.scope_ok &= charged.allowed;
            let then = Then::Used(seen, used, Some((own, charged)));
            ask(At::Trial, Act::Decide(decide), then)
        }
        (Then::Used(seen, used, own), Answer::Decision(tried)) => key_used(seen, used, own, tried),
        (Then::GivenBack(used), _) => Next::Done(Ok(Answer::ApiKey(KeyAnswer::Used(used)))),
        (Then::Unblocked(act), Answer::Validity(Reason::UserBlocked)) => {
            Next::Done(Ok(blocked(&act)))
        }
        (Then::Unblocked(act), Answer::Validity(_)) => ask(At::Trial, *act, Then::Last),
        (Then::EndTrial(user), Answer::Count(ended)) => {
            ask(At::Trial, Act::EndAll { user, except: None }, Then::Sum(ended))
        }
        (Then::Sum(real), Answer::Count(trial)) => Next::Done(Ok(Answer::Count(real + trial))),
        (Then::Both, real) => ask(At::Trial, Act::Ping, Then::Answer(Box::new(real))),
        (Then::Answer(answer), _) => Next::Done(Ok(*answer)),
        (Then::Fault(fault), _) => Next::Done(Err(fault)),
        // The last answer, or an answer that does not fit the question. The caller receives it.
        (_, verdict) => Next::Done(Ok(verdict)),
    }
}

fn ask(at: At, act: Act<'static>, then: Then) -> Next {
    Next::Ask(at, Box::new(act), then)
}

/// Returns the request as the real record checks it. It touches no session and charges no quota. Of the
/// session it checks only an admission by login().
fn look(decide: &Decide<'static>) -> Decide<'static> {
    let check = match decide.check {
        SessionCheck::Explicit => SessionCheck::Explicit,
        SessionCheck::Skip | SessionCheck::FirstUse => SessionCheck::Skip,
    };
    Decide { check, touch: false, charge: None, ..decide.clone() }
}

/// Returns `None` if the real decision is final, regardless of the trial.
fn seen(decide: &Decide<'_>, found: &Decision) -> Option<Seen> {
    let ended = found.would_deny.has(Reason::SessionEnded);
    let unknown = found.would_deny.has(Reason::SessionUnknown);
    let of_session = [Reason::SessionEnded, Reason::SessionUnknown, Reason::ScopeMissing];
    let others = of_session.into_iter().fold(found.would_deny, Reasons::without);
    let lives = decide.check == SessionCheck::Explicit && !ended && !unknown;
    (others == Reasons::default()).then_some(Seen { session: found.session, lives, ended })
}

/// Returns the request as the trial decides it. A session that is alive in the real record is not checked
/// again.
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
        return Next::Done(Ok(Answer::ApiKey(KeyAnswer::Used(used))));
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

/// Returns the charge of a key's own quota in the trial. No key of a standalone quota begins like this:
/// docs/layout.md.
fn own_charge(asked: &Use<'static>, rule: QuotaRule) -> (Own, Act<'static>) {
    let algorithm = match rule.refill {
        Refill::Never => 'b',
        Refill::Window(_) => 'w',
        Refill::Bucket(_) => 'g',
    };
    let key = format!("{algorithm}o{}", asked.id);
    // The real record keeps remembered charges with their key. Here the key's id makes their names distinct. A
    // read is not remembered.
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
        return Next::Done(Ok(Answer::ApiKey(KeyAnswer::Used(used))));
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
        None => Next::Done(Ok(Answer::ApiKey(KeyAnswer::Used(used)))),
    }
}

/// Returns the refund for a charge of a key's own quota, if there was a charge.
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

/// Returns the answer to an act of a blocked user.
fn blocked(act: &Act<'static>) -> Answer {
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
        Act::Admit(admit) => Answer::Admission(Box::new(admission(admit.rule.limit))),
        Act::Family(FamilyOp::Login(login)) => {
            let refused = LoginAnswer::Refused(admission(login.admit.rule.limit));
            Answer::Family(FamilyAnswer::Login(Box::new(refused)))
        }
        Act::Family(_) => Answer::Family(FamilyAnswer::Refresh(Box::new(RefreshAnswer::Revoked))),
        _ => Answer::Validity(Reason::UserBlocked),
    }
}
