//! Operations as calls of scripts, and their replies as verdicts. The decisions themselves are in the
//! scripts; here they change their form and no more.

use super::api_key;
use super::call::{Call, Expects, Plan, Then, call, field};
use super::counter;
use super::credential;
use super::decide;
use super::family;
use super::fields::{evicts, issued, limit};
use super::key_names::Names;
use super::lead;
use super::pack::{FAR, NEVER, Packer, Unpacker};
use super::quota;
use super::session::{admission, view};
use super::turn;
use crate::core::api_key::ops::KeyOp;
use crate::core::op::{Act, Answer, Op};
use crate::core::quota::idempotency::another_question;
use crate::core::script::Script;
use crate::core::session::session::{Cursor, Page};
use crate::store::redis::net::replicas;
use crate::store::redis::protocol::call::script_call;

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
        Act::UnblockUser { user } | Act::IsBlocked { user } => {
            call(&user_keys(user), &[&plain], Expects::Flag)
        }
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
        Act::CheckCredential { user, credential } => {
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
pub fn decode(expects: &Expects, reply: &[u8]) -> Option<Answer> {
    let mut from = Unpacker(reply);
    Some(match expects {
        Expects::Decision { scope_ok, limit, quota, issuer } => {
            if reply == [quota::OTHER_QUESTION] {
                return Some(Answer::Fault(another_question()));
            }
            Answer::Decision(decide::decision(&mut from, *scope_ok, *limit, *quota, issuer)?)
        }
        Expects::Admission { user, limit } => {
            Answer::Admission(Box::new(admission(&mut from, user, *limit)?))
        }
        Expects::Session { user } => Answer::Session(match from.take(4)? {
            0 => None,
            _ => Some(view(&mut from, user)?.0),
        }),
        Expects::Sessions { user } => {
            let (at, skip, count) = (from.take(7)?, from.take(4)?, from.take(4)?);
            let mut all = (0..count).map(|_| view(&mut from, user)).collect::<Option<Vec<_>>>()?;
            all.sort_by(|(a, a_us), (b, b_us)| b_us.cmp(a_us).then_with(|| b.id.cmp(&a.id)));
            let sessions = all.into_iter().map(|(session, _)| session).collect();
            Answer::Sessions(Page { sessions, next: (at > 0).then_some(Cursor { at, skip }) })
        }
        Expects::Pong => Answer::Pong(replicas::read(reply.strip_prefix(&[0, 0, 0, 1])?)),
        Expects::Flag => Answer::Flag(from.take(4)? > 0),
        Expects::Count => Answer::Count(from.take(4)?),
        Expects::Generation => Answer::Generation(from.take(7)?),
        Expects::Consumption => quota::verdict(reply)?,
        Expects::ApiKey(key) => return api_key::decode(key, reply),
        Expects::Family(family) => return family::decode(family, reply),
        Expects::Key => Answer::Key(reply.try_into().ok()?),
        Expects::Validity => Answer::Validity(credential::reasons(from.take(1)?).first()),
        Expects::Turn => turn::answer(&mut from)?,
        Expects::Applied(changes) => counter::applied(&mut from, *changes)?,
    })
}
