//! Decisions as calls of scripts, and what those answer.

use super::call::{Call, Expects, Plan, Then, call, field};
use super::fields::{evicts, issued, limit, reasons};
use super::key_names::Names;
use super::layout::{DecideArguments, DecisionReply, Reach};
use super::numbers;
use super::numbers::{
    ADMITTED, EXPLICIT, FIRST_USE, NO_QUOTA, QUOTA_IN_BALANCES, QUOTA_IN_FULL, QUOTA_IN_RECORD,
    SKIP, WITH_EVICTED, WITH_LEAD, WITH_QUOTA, WITH_SESSION,
};
use super::pack::Unpacker;
use super::quota;
use super::quota::Remembering;
use crate::core::base::reason::Reason;
use crate::core::op::Op;
use crate::core::quota::charge::QuotaPlace;
use crate::core::quota::state::{Consumption, Refill};
use crate::core::request::request::{Decide, Decision, SessionCheck, SessionView};
use crate::core::revocation::lead::Ahead;
use crate::core::session::session::SessionTimes;

/// A decision as a script takes it.
pub struct DecideCall {
    /// The user's two keys, and that of the balances where one is charged.
    pub keys: Vec<String>,
    /// What is remembered of the request's quota.
    pub memory: Option<String>,
    /// Numbers, session, token, quota, receipt id, question.
    pub arguments: [Vec<u8>; 6],
    /// How many of them are needed.
    pub count: usize,
    pub scope_ok: bool,
    pub limit: Option<u64>,
    pub quota: Option<u64>,
    pub then: Option<Call>,
}

/// Writes a decision as calls.
pub fn encode(prefix: &str, d: &Decide<'_>, op: &Op<'_>) -> Plan {
    let DecideCall { mut keys, memory, arguments, count, scope_ok, limit, quota, then } =
        decide_call(prefix, d, op);
    keys.extend(memory);
    let arguments = arguments.each_ref().map(Vec::as_slice);
    let issuer = d.issuer.to_string();
    let expects = Expects::Decision { scope_ok, limit, quota, issuer };
    let then = then.map_or(Then::Nothing, Then::Charge);
    Plan { call: call(&keys, &arguments[..count], expects), then }
}

/// Writes one for whatever script decides.
pub fn decide_call(prefix: &str, d: &Decide<'_>, op: &Op<'_>) -> DecideCall {
    let names = Names::of(prefix, &d.user);
    let mut keys = vec![names.key("u"), names.key("d")];
    let here = d.charge.as_ref().filter(|charge| charge.place == QuotaPlace::Record);
    let apart = d.charge.as_ref().filter(|charge| charge.place == QuotaPlace::Apart);
    let balance = here.is_some_and(|c| c.rule.refill == Refill::Never && c.spend.keep_ms.is_none());
    if let Some(charge) = here.filter(|_| balance) {
        keys.push(quota::balances(prefix, &names, &charge.key));
    }
    let once = here.and_then(|charge| charge.once.as_ref());
    let memory = once.map(|once| names.of_key("iq", &once.name));
    let (foreign, when) = issued(d.issued);
    let check = match d.check {
        SessionCheck::Skip => SKIP,
        SessionCheck::Explicit => EXPLICIT,
        SessionCheck::FirstUse => FIRST_USE,
    };
    let place = match here {
        None => NO_QUOTA,
        Some(_) if balance => QUOTA_IN_BALANCES,
        Some(_) => QUOTA_IN_RECORD,
    };
    let taken = here.map(|charge| quota::taken(&charge.rule, &charge.spend)).unwrap_or_default();
    let numbers = DecideArguments {
        check,
        scope_ok: d.scope_ok,
        touch: d.touch,
        foreign,
        evict: evicts(&d.rule),
        issued: when,
        limit: limit(&d.rule),
        idle: d.rule.idle_ms,
        absolute: d.rule.absolute_ms,
        horizon: op.horizon_ms,
        most_lead: op.most_lead_ms,
        place,
        quota_limit: taken.limit,
        window: taken.window,
        period: taken.period,
        cost: taken.cost,
        keep: taken.keep,
        once: once.is_some(),
    };
    let quota = here.map(|charge| field(b'q', charge.key.as_bytes())).unwrap_or_default();
    let remembering = here.map(|charge| Remembering::of(&charge.spend, once));
    let Remembering { id, question } =
        remembering.unwrap_or(Remembering { id: &[], question: &[] });
    DecideCall {
        keys,
        memory,
        arguments: [
            numbers.pack(),
            field(b's', d.session.as_bytes()),
            field(b'r', &d.token),
            quota,
            id.to_vec(),
            question.to_vec(),
        ],
        count: match (here, once) {
            (None, _) => 4,
            (Some(_), None) => 5,
            (Some(_), Some(_)) => 6,
        },
        scope_ok: d.scope_ok,
        limit: d.rule.limit,
        quota: here.map(|charge| charge.rule.limit),
        then: apart.map(|charge| quota::consume_apart(prefix, charge)),
    }
}

/// The reasons of a decision.
const REASONS: [(u64, Reason); 7] = [
    (numbers::USER_BLOCKED, Reason::UserBlocked),
    (numbers::TOKEN_REVOKED, Reason::TokenRevoked),
    (numbers::USER_REVOKED, Reason::UserRevoked),
    (numbers::SESSION_ENDED, Reason::SessionEnded),
    (numbers::SESSION_UNKNOWN, Reason::SessionUnknown),
    (numbers::SESSION_LIMIT, Reason::SessionLimit),
    (numbers::QUOTA_EXHAUSTED, Reason::QuotaExhausted),
];

/// Reads a decision.
pub fn decision(
    from: &mut Unpacker<'_>,
    scope_ok: bool,
    limit: Option<u64>,
    quota_limit: Option<u64>,
    issuer: &str,
) -> Option<Decision> {
    let reply = DecisionReply::take(from)?;
    let flags = reply.flags;
    let mut deny = reasons(reply.deny, &REASONS);
    if !scope_ok {
        deny.add(Reason::ScopeMissing);
    }
    let reason = deny.first();
    let allowed = reason == Reason::Allowed;
    let quota = match quota_limit.filter(|_| flags & WITH_QUOTA != 0) {
        Some(_) if flags & QUOTA_IN_FULL != 0 => Some(quota::consumption(from)?),
        Some(limit) => Some(Consumption {
            allowed: true,
            limit,
            remaining: reply.remaining,
            reset_ms: (reply.reset > 0).then_some(reply.reset),
            reset_in_ms: (reply.reset > 0).then_some(reply.left),
            retry_after_ms: None,
            replayed: false,
            charged: None,
        }),
        None => None,
    };
    let evicted = if flags & WITH_EVICTED == 0 { Vec::new() } else { ids(from)? };
    let ahead = if flags & WITH_LEAD == 0 { None } else { Some(Reach::take(from)?.lead) };
    let times = SessionTimes {
        created_ms: reply.created,
        last_active_ms: reply.last / 1000,
        expires_ms: reply.ends,
    };
    Some(Decision {
        reason,
        would_deny: deny,
        session: (allowed && flags & WITH_SESSION != 0).then_some(SessionView {
            active: reply.live,
            limit,
            times,
            previous_active_ms: reply.previous / 1000,
        }),
        admitted: allowed && flags & ADMITTED != 0,
        evicted,
        quota: quota.filter(|_| allowed || reason == Reason::QuotaExhausted),
        ahead: ahead.map(|ms| Box::new(Ahead { issuer: issuer.to_owned(), ms })),
    })
}

/// The ids of sessions that were ended.
fn ids(from: &mut Unpacker<'_>) -> Option<Vec<String>> {
    let count = from.take(4)?;
    (0..count).map(|_| from.text(2)).collect()
}
