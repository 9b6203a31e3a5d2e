//! Operations as calls of scripts, and their replies as verdicts. The decisions themselves are in the
//! scripts; here they change their form and no more.

use super::api_key;
use super::api_key::KeyExpects;
use super::counter;
use super::credential;
use super::decide;
use super::decide::{evicts, issued, limit};
use super::family;
use super::family::FamilyExpects;
use super::key_names::Names;
use super::lead;
use super::pack::{FAR, NEVER, Packer, Unpacker};
use super::quota;
use super::turn;
use crate::core::api_key::ops::KeyOp;
use crate::core::base::reason::Reason;
use crate::core::op::{Act, Op, Verdict};
use crate::core::quota::idempotency::another_question;
use crate::core::request::request::Admission;
use crate::core::script::Script;
use crate::core::session::session::{Cursor, Page, Session, SessionTimes};
use crate::store::redis::net::replicas;
use crate::store::redis::net::resp;
use crate::store::redis::net::slots;

/// One call, ready to be sent.
#[derive(Debug)]
pub struct Call {
    /// The script; `None`: a command without one.
    pub script: Option<Script>,
    /// The slot of its keys.
    pub slot: u16,
    /// How many arguments `tail` holds.
    pub arguments: usize,
    /// Everything behind the script's name: number of keys, keys, arguments. Of a command all of it.
    pub tail: Vec<u8>,
    /// How the reply is to be read.
    pub expects: Expects,
}

/// How a reply is to be read.
#[derive(Debug)]
pub enum Expects {
    /// `quota`: the limit of the quota that is looked at.
    Decision {
        scope_ok: bool,
        limit: Option<u64>,
        quota: Option<u64>,
        issuer: String,
    },
    Admission {
        user: String,
        limit: Option<u64>,
    },
    Session {
        user: String,
    },
    Sessions {
        user: String,
    },
    Pong,
    Flag,
    Count,
    Generation,
    Consumption,
    /// Values of so many counters.
    Applied(usize),
    /// What stands against a credential.
    Standing,
    Turn,
    Key,
    ApiKey(KeyExpects),
    Family(FamilyExpects),
}

impl Call {
    /// Appends an argument.
    pub fn push(&mut self, argument: &[u8]) {
        resp::argument(&mut self.tail, argument);
        self.arguments += 1;
    }
}

/// What is asked first, and what follows from it, where that may lie in another slot.
pub struct Plan {
    pub call: Call,
    pub then: Then,
}

/// What follows from a call.
pub enum Then {
    Nothing,
    /// What a request is charged, if the first call allows it.
    Charge(Call),
    /// A revocation, which takes the answer to the first call as its last argument.
    Revoke(Call),
}

/// A call of the script of the operation that is being encoded.
pub(crate) fn call(keys: &[String], arguments: &[&[u8]], expects: Expects) -> Call {
    let mut tail = Vec::with_capacity(384);
    resp::argument(&mut tail, keys.len().to_string().as_bytes());
    for key in keys {
        resp::argument(&mut tail, key.as_bytes());
    }
    for bytes in arguments {
        resp::argument(&mut tail, bytes);
    }
    let slot = keys.first().map_or(0, |key| slots::slot(key));
    Call { script: None, slot, arguments: 1 + keys.len() + arguments.len(), tail, expects }
}

/// A call of a script that is a step of its own.
pub(crate) fn script_call(
    script: Script,
    keys: &[String],
    arguments: &[&[u8]],
    expects: Expects,
) -> Call {
    Call { script: Some(script), ..call(keys, arguments, expects) }
}

pub(crate) fn field(kind: u8, name: &[u8]) -> Vec<u8> {
    let mut field = Vec::with_capacity(name.len() + 1);
    field.push(kind);
    field.extend_from_slice(name);
    field
}

/// Writes an operation as calls. `has_slots`: keys of different users may be on different servers.
pub fn encode(prefix: &str, op: &Op<'_>, has_slots: bool) -> Plan {
    let mut plan = steps(prefix, op, has_slots);
    plan.call.script.get_or_insert(op.act.row().script);
    plan
}

#[expect(clippy::too_many_lines, reason = "one exhaustive match over the operations")]
fn steps(prefix: &str, op: &Op<'_>, has_slots: bool) -> Plan {
    let horizon = op.horizon_ms;
    let user_keys = |user: &str| {
        let names = Names::of(prefix, user);
        vec![names.key("u"), names.key("d")]
    };
    let plain = Packer::default().ms(horizon).0;
    let call = match &op.act {
        Act::Decide(decide) => return decide::encode(prefix, decide, op),
        Act::Admit(a) => {
            let numbers = Packer::default()
                .put(7, limit(&a.rule))
                .flag(evicts(&a.rule))
                .ms(a.rule.idle_ms)
                .ms(a.rule.absolute_ms)
                .ms(horizon);
            let device = a.device.as_deref().unwrap_or_default();
            let arguments = [&*numbers.0, &field(b's', a.session.as_bytes()), device.as_bytes()];
            let expects = Expects::Admission { user: a.user.to_string(), limit: a.rule.limit };
            call(&user_keys(&a.user), &arguments, expects)
        }
        Act::Touch { user, session } => call(
            &user_keys(user),
            &[&plain, &field(b's', session.as_bytes())],
            Expects::Session { user: user.to_string() },
        ),
        Act::End { user, session } => call(
            &user_keys(user),
            &[&Packer::default().flag(false).ms(horizon).0, &field(b's', session.as_bytes())],
            Expects::Flag,
        ),
        Act::EndAll { user, except } => {
            let except = except.as_deref().map(|session| field(b's', session.as_bytes()));
            let numbers = Packer::default().flag(true).ms(horizon).0;
            let arguments = [&*numbers, except.as_deref().unwrap_or_default()];
            call(&user_keys(user), &arguments, Expects::Count)
        }
        Act::List { user, from } => {
            let expects = Expects::Sessions { user: user.to_string() };
            let numbers = Packer::default().ms(horizon).put(7, from.at).put(4, from.skip).0;
            call(&user_keys(user), &[&numbers], expects)
        }
        Act::RevokeToken { user, token, until_ms } => {
            let numbers = Packer::default().ms(*until_ms).ms(horizon).0;
            let arguments = [&*numbers, &field(b'r', token)];
            call(&user_keys(user), &arguments, Expects::Flag)
        }
        Act::IsRevoked { user, token, issued: when } => {
            let (foreign, value) = when.map_or((false, 0), issued);
            let numbers =
                Packer::default().flag(when.is_some()).flag(foreign).put(7, value).ms(horizon);
            let arguments = [&*numbers.0, &field(b'r', token)];
            call(&user_keys(user), &arguments, Expects::Flag)
        }
        Act::RevokeUser { user, keys, lead } => {
            let numbers = Packer::default().flag(false).put(6, 0).ms(horizon).flag(*keys).0;
            let mut all = user_keys(user);
            all.extend(keys.then(|| Names::of(prefix, user).key("ak")));
            return lead::revoke(prefix, lead, has_slots, (all, &numbers));
        }
        Act::BlockUser { user, until_ms, lead } => {
            let until = until_ms.map_or(NEVER, |until| until.min(FAR));
            let numbers = Packer::default().flag(true).put(6, until).ms(horizon).flag(false).0;
            return lead::revoke(prefix, lead, has_slots, (user_keys(user), &numbers));
        }
        Act::UnblockUser { user } => call(&user_keys(user), &[&plain], Expects::Flag),
        Act::NextGeneration { user } => call(&user_keys(user), &[&plain], Expects::Generation),
        Act::Consume(asked) => quota::consume(prefix, asked),
        Act::AddUnits(asked) => quota::add(prefix, asked),
        Act::Refund(asked) => quota::refund(prefix, asked),
        Act::ResetQuotas { keys } => quota::reset(prefix, keys),
        Act::ReceiptKey { fresh } => call(&[format!("{prefix}:mac")], &[fresh], Expects::Key),
        Act::ApiKey(KeyOp::Use(asked)) => return api_key::encode_use(prefix, asked, op),
        Act::ApiKey(key) => api_key::encode(prefix, key),
        Act::Family(family) => family::encode(prefix, family, horizon),
        Act::Apply(apply) => counter::apply(prefix, apply, horizon),
        Act::Once { key, by, ttl_ms } => counter::once(prefix, key, by, *ttl_ms),
        Act::OnceRelease { key, by } => counter::once_release(prefix, key, by),
        Act::Standing { user, credential } => {
            credential::standing(prefix, user, credential, horizon)
        }
        Act::Turn(turn) => turn::encode(prefix, turn, horizon),
        Act::Ping => ping(prefix, 0),
    };
    Plan { call, then: Then::Nothing }
}

/// Writes the question whether scripts run that see a bucket.
pub fn ping(prefix: &str, bucket: u16) -> Call {
    let names = Names::within(prefix, bucket, "");
    let keys = ["check-u", "check-d", "check-q"].map(|kind| names.key(kind));
    script_call(Script::Check, &keys, &[], Expects::Pong)
}

/// Reads a reply. `None`: it is not what the script answers.
pub fn decode(expects: &Expects, reply: &[u8]) -> Option<Verdict> {
    let mut from = Unpacker(reply);
    Some(match expects {
        Expects::Decision { scope_ok, limit, quota, issuer } => {
            if reply == [quota::OTHER_QUESTION] {
                return Some(Verdict::Fault(another_question()));
            }
            Verdict::Decision(decide::decision(&mut from, *scope_ok, *limit, *quota, issuer)?)
        }
        Expects::Admission { user, limit } => {
            Verdict::Admission(Box::new(admission(&mut from, user, *limit)?))
        }
        Expects::Session { user } => Verdict::Session(match from.take(4)? {
            0 => None,
            _ => Some(view(&mut from, user)?.0),
        }),
        Expects::Sessions { user } => {
            let (at, skip, count) = (from.take(7)?, from.take(4)?, from.take(4)?);
            let mut all = (0..count).map(|_| view(&mut from, user)).collect::<Option<Vec<_>>>()?;
            all.sort_by(|(a, a_us), (b, b_us)| b_us.cmp(a_us).then_with(|| b.id.cmp(&a.id)));
            let sessions = all.into_iter().map(|(session, _)| session).collect();
            Verdict::Sessions(Page { sessions, next: (at > 0).then_some(Cursor { at, skip }) })
        }
        Expects::Pong => Verdict::Pong(replicas::read(reply.strip_prefix(&[0, 0, 0, 1])?)),
        Expects::Flag => Verdict::Flag(from.take(4)? > 0),
        Expects::Count => Verdict::Count(from.take(4)?),
        Expects::Generation => Verdict::Generation(from.take(7)?),
        Expects::Consumption => quota::verdict(reply)?,
        Expects::ApiKey(key) => return api_key::decode(key, reply),
        Expects::Family(family) => return family::decode(family, reply),
        Expects::Key => Verdict::Key(reply.try_into().ok()?),
        Expects::Standing => Verdict::Standing(credential::reasons(from.take(1)?).first()),
        Expects::Turn => turn::answer(&mut from)?,
        Expects::Applied(changes) => counter::applied(&mut from, *changes)?,
    })
}

pub(crate) fn admission(
    from: &mut Unpacker<'_>,
    user: &str,
    limit: Option<u64>,
) -> Option<Admission> {
    let reason = match from.take(1)? {
        0 => Reason::Allowed,
        1 => Reason::UserBlocked,
        2 => Reason::SessionEnded,
        _ => Reason::SessionLimit,
    };
    let (existing, active, retry, count) =
        (from.take(1)? == 1, from.take(4)?, from.take(6)?, from.take(4)?);
    let mut views = (0..count).map(|_| view(from, user)).collect::<Option<Vec<_>>>()?.into_iter();
    let session = views.next().map(|(session, _)| session);
    Some(Admission {
        reason,
        session,
        existing,
        active,
        limit,
        evicted: views.map(|(session, _)| session).collect(),
        retry_after_ms: (retry != NEVER).then_some(retry),
    })
}

/// A session, and when it was last active in microseconds.
fn view(from: &mut Unpacker<'_>, user: &str) -> Option<(Session, u64)> {
    let id = from.text(2)?;
    let (created_ms, last_us, expires_ms) = (from.take(6)?, from.take(7)?, from.take(6)?);
    let device = Some(from.text(4)?).filter(|device| !device.is_empty());
    let times = SessionTimes { created_ms, last_active_ms: last_us / 1000, expires_ms };
    Some((Session { id, user: user.to_owned(), times, device }, last_us))
}
