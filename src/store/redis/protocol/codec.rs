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
use super::layout::{
    AdmitArguments, EndArguments, HorizonArgument, IsRevokedArguments, ListArguments,
    RevokeTokenArguments, RevokeUserArguments, SessionsReply,
};
use super::lead;
use super::numbers::OTHER_QUESTION;
use super::pack::{FAR, NEVER, Unpacker, status};
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
    let plain = HorizonArgument { horizon }.pack();
    let call = match &op.act {
        Act::Decide(decide) => return decide::encode(prefix, decide, op),
        Act::Admit(a) => {
            let numbers = AdmitArguments {
                limit: limit(&a.rule),
                evict: evicts(&a.rule),
                idle: a.rule.idle_ms,
                absolute: a.rule.absolute_ms,
                horizon,
            };
            let device = a.device.as_deref().unwrap_or_default();
            let session = field(b's', a.session.as_bytes());
            let arguments = [&*numbers.pack(), &session, device.as_bytes()];
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
            &[&EndArguments { all: false, horizon }.pack(), &field(b's', session.as_bytes())],
            Expects::Flag,
        ),
        Act::EndAll { user, except } => {
            let except = except.as_deref().map(|session| field(b's', session.as_bytes()));
            let numbers = EndArguments { all: true, horizon }.pack();
            let arguments = [&*numbers, except.as_deref().unwrap_or_default()];
            call(&user_keys(user), &arguments, Expects::Count)
        }
        Act::List { user, from } => {
            let expects = Expects::Sessions { user: user.to_string() };
            let numbers = ListArguments { horizon, from: from.at, skip: from.skip }.pack();
            call(&user_keys(user), &[&numbers], expects)
        }
        Act::RevokeToken { user, token, until_ms } => {
            let numbers = RevokeTokenArguments { until: *until_ms, horizon }.pack();
            let arguments = [&*numbers, &field(b'r', token)];
            call(&user_keys(user), &arguments, Expects::Flag)
        }
        Act::IsRevoked { user, token, issued: when } => {
            let (foreign, value) = when.map_or((false, 0), issued);
            let known = when.is_some();
            let numbers = IsRevokedArguments { known, foreign, issued: value, horizon };
            let arguments = [&*numbers.pack(), &field(b'r', token)];
            call(&user_keys(user), &arguments, Expects::Flag)
        }
        Act::RevokeUser { user, keys, lead } => {
            let numbers =
                RevokeUserArguments { blocking: false, until: 0, horizon, with_keys: *keys }.pack();
            let mut all = user_keys(user);
            all.extend(keys.then(|| Names::of(prefix, user).key("ak")));
            return lead::revoke(prefix, lead, has_slots, (all, &numbers));
        }
        Act::BlockUser { user, until_ms, lead } => {
            let until = until_ms.map_or(NEVER, |until| until.min(FAR));
            let numbers =
                RevokeUserArguments { blocking: true, until, horizon, with_keys: false }.pack();
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
            if status(reply) == Some(OTHER_QUESTION) {
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
            let SessionsReply { next: at, skip, views } = SessionsReply::take(&mut from)?;
            let mut all = (0..views).map(|_| view(&mut from, user)).collect::<Option<Vec<_>>>()?;
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
        Expects::Turn => turn::answer(reply)?,
        Expects::Applied(changes) => counter::applied(&mut from, *changes)?,
    })
}
