//! Decisions as calls of scripts, and what those answer.

use super::call::{Call, Expects, Plan, Then, call, field};
use super::fields::{evicts, issued, limit};
use super::key_names::Names;
use super::pack::{Packer, Unpacker};
use super::quota;
use super::quota::Remembering;
use crate::core::base::reason::{Reason, Reasons};
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
        SessionCheck::Skip => 0,
        SessionCheck::Explicit => 1,
        SessionCheck::FirstUse => 2,
    };
    let numbers = Packer::default()
        .put(1, check)
        .flag(d.scope_ok)
        .flag(d.touch)
        .flag(foreign)
        .flag(evicts(&d.rule))
        .put(7, when)
        .put(7, limit(&d.rule))
        .ms(d.rule.idle_ms)
        .ms(d.rule.absolute_ms)
        .ms(op.horizon_ms)
        .ms(op.most_lead_ms);
    let place = match here {
        None => 0,
        Some(_) if balance => 2,
        Some(_) => 1,
    };
    let numbers = quota::charge(numbers.put(1, place), here).flag(once.is_some());
    let quota = here.map(|charge| field(b'q', charge.key.as_bytes())).unwrap_or_default();
    let remembering = here.map(|charge| Remembering::of(&charge.spend, once));
    let Remembering { id, question } =
        remembering.unwrap_or(Remembering { id: &[], question: &[] });
    DecideCall {
        keys,
        memory,
        arguments: [
            numbers.0,
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

/// The reasons, in the order of the script's bits.
const BITS: [Reason; 7] = [
    Reason::UserBlocked,
    Reason::TokenRevoked,
    Reason::UserRevoked,
    Reason::SessionEnded,
    Reason::SessionUnknown,
    Reason::SessionLimit,
    Reason::QuotaExhausted,
];

/// Reads a decision.
pub fn decision(
    from: &mut Unpacker<'_>,
    scope_ok: bool,
    limit: Option<u64>,
    quota_limit: Option<u64>,
    issuer: &str,
) -> Option<Decision> {
    let (bits, flags) = (from.take(1)?, from.take(1)?);
    let mut deny = Reasons::default();
    for (at, reason) in BITS.iter().enumerate() {
        if bits & (1 << at) != 0 {
            deny.add(*reason);
        }
    }
    if !scope_ok {
        deny.add(Reason::ScopeMissing);
    }
    let reason = deny.first();
    let (active, created_ms, last_us) = (from.take(4)?, from.take(6)?, from.take(7)?);
    let (expires_ms, previous_us) = (from.take(6)?, from.take(7)?);
    let allowed = reason == Reason::Allowed;
    let (remaining, reset, left) = (from.take(7)?, from.take(6)?, from.take(6)?);
    let quota = match quota_limit.filter(|_| flags & 4 != 0) {
        Some(_) if flags & 8 != 0 => Some(quota::consumption(from)?),
        Some(limit) => Some(Consumption {
            allowed: true,
            limit,
            remaining,
            reset_ms: (reset > 0).then_some(reset),
            reset_in_ms: (reset > 0).then_some(left),
            retry_after_ms: None,
            replayed: false,
            charged: None,
        }),
        None => None,
    };
    let evicted = if flags & 16 == 0 { Vec::new() } else { ids(from)? };
    let ahead = if flags & 32 == 0 { None } else { Some(from.take(6)?) };
    let times = SessionTimes { created_ms, last_active_ms: last_us / 1000, expires_ms };
    let previous_active_ms = previous_us / 1000;
    Some(Decision {
        reason,
        would_deny: deny,
        session: (allowed && flags & 1 != 0).then_some(SessionView {
            active,
            limit,
            times,
            previous_active_ms,
        }),
        admitted: allowed && flags & 2 != 0,
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
