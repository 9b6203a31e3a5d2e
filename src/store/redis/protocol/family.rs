//! Logins and what follows them as calls of scripts, and what those answer.

use super::call::{Call, Expects, FamilyExpects, call, field};
use super::fields::{evicts, limit};
use super::key_names::Names;
use super::layout::{DrawnReply, LoginArguments, LogoutArguments, RefreshArguments};
use super::numbers::{
    FAMILY_UNKNOWN, LOGIN_ADMITTED, LOGIN_ELSEWHERE, LOGIN_REFUSED, REFRESH_EXPIRED,
    REFRESH_INVALID, REFRESH_REUSED, REFRESH_REVOKED,
};
use super::pack::{Unpacker, first, status};
use super::session::admission;
use crate::core::decision::login::known_session;
use crate::core::family::ops::{
    Drawn, FamilyAnswer, FamilyId, FamilyKey, FamilyOp, Granted, KnownFamily, Login, LoginAnswer,
    PresentedToken, Refresh, RefreshAnswer, Serial,
};
use crate::core::op::Answer;

/// The user's record and its queue, the family, and what followed its spent tokens.
fn keys(prefix: &str, user: &str, family: &FamilyId) -> Vec<String> {
    let names = Names::of(prefix, user);
    let beside = ["f", "fg"].map(|kind| names.beside(kind, family));
    [names.key("u"), names.key("d")].into_iter().chain(beside).collect()
}

fn ask(keys: &[String], arguments: &[&[u8]], expects: FamilyExpects) -> Call {
    call(keys, arguments, Expects::Family(expects))
}

/// Writes an act.
pub fn encode(prefix: &str, op: &FamilyOp<'_>, horizon_ms: u64) -> Call {
    match op {
        FamilyOp::Find { bucket, family } => {
            let key = Names::within(prefix, *bucket, "").beside("f", family);
            ask(&[key], &[], FamilyExpects::Known)
        }
        FamilyOp::Login(login) => log_in(prefix, login, horizon_ms),
        FamilyOp::Refresh(asked) => {
            let Refresh { token, next, sealed, grace_ms } = &**asked;
            let PresentedToken { user, family, key, serial, digest } = token;
            let Serial { branch, number } = *serial;
            let numbers =
                RefreshArguments { horizon: horizon_ms, grace: *grace_ms, branch, number }.pack();
            let arguments: [&[u8]; 6] = [&numbers, digest, user.as_bytes(), &key.0, next, sealed];
            let keys = keys(prefix, user, family);
            ask(&keys, &arguments, FamilyExpects::Refresh)
        }
        FamilyOp::Logout(PresentedToken { user, family, key, serial, digest }) => {
            let Serial { branch, number } = *serial;
            let numbers = LogoutArguments { horizon: horizon_ms, branch, number }.pack();
            let arguments: [&[u8]; 4] = [&numbers, digest, user.as_bytes(), &key.0];
            let keys = keys(prefix, user, family);
            ask(&keys, &arguments, FamilyExpects::Done)
        }
    }
}

fn log_in(prefix: &str, login: &Login<'_>, horizon_ms: u64) -> Call {
    let Login { admit, given, request, family, grace_ms } = login;
    let numbers = LoginArguments {
        limit: limit(&admit.rule),
        evict: evicts(&admit.rule),
        idle: admit.rule.idle_ms,
        absolute: admit.rule.absolute_ms,
        horizon: horizon_ms,
        given: *given,
        ttl: family.ttl_ms,
        grace: *grace_ms,
        branch: family.branch,
    }
    .pack();
    let mut keys = keys(prefix, &admit.user, &family.id);
    keys.extend(request.map(|name| Names::of(prefix, &admit.user).of_key("lr", &name)));
    let session = field(b's', admit.session.as_bytes());
    let arguments: [&[u8]; 9] = [
        &numbers,
        &session,
        admit.device.as_deref().unwrap_or_default().as_bytes(),
        &family.id,
        &family.digest,
        admit.user.as_bytes(),
        family.claims.as_deref().unwrap_or_default().as_bytes(),
        family.scope.as_deref().unwrap_or_default().as_bytes(),
        &family.key.0,
    ];
    let expects = FamilyExpects::Login { user: admit.user.to_string(), limit: admit.rule.limit };
    ask(&keys, &arguments, expects)
}

/// Reads a reply. `None`: it is not what the script answers.
pub fn decode(expects: &FamilyExpects, reply: &[u8]) -> Option<Answer> {
    let mut from = Unpacker(reply);
    Some(Answer::Family(match expects {
        FamilyExpects::Known => FamilyAnswer::Known(match from.take(1)? {
            0 => None,
            _ => {
                let key = FamilyKey(from.bytes(32)?.try_into().ok()?);
                Some(KnownFamily { user: String::from_utf8(from.0.to_vec()).ok()?, key })
            }
        }),
        FamilyExpects::Login { user, limit } => {
            let answer = match first(reply)? {
                LOGIN_REFUSED => {
                    from.take(1)?;
                    LoginAnswer::Refused(admission(&mut from, user, *limit)?)
                }
                LOGIN_ADMITTED => {
                    let drawn = drawn(&mut from)?;
                    LoginAnswer::Admitted(admission(&mut from, user, *limit)?, drawn)
                }
                LOGIN_ELSEWHERE if reply.len() == 1 => LoginAnswer::Elsewhere(None),
                LOGIN_ELSEWHERE => {
                    from.take(1)?;
                    let family = from.bytes(16)?.try_into().ok()?;
                    let key = FamilyKey(from.bytes(32)?.try_into().ok()?);
                    LoginAnswer::Elsewhere(Some((family, key)))
                }
                _ => return Some(Answer::Fault(known_session())),
            };
            FamilyAnswer::Login(Box::new(answer))
        }
        FamilyExpects::Refresh | FamilyExpects::Done if status(reply) == Some(FAMILY_UNKNOWN) => {
            FamilyAnswer::Unknown
        }
        FamilyExpects::Refresh => FamilyAnswer::Refresh(Box::new(match first(reply)? {
            REFRESH_INVALID => RefreshAnswer::Invalid,
            REFRESH_EXPIRED => RefreshAnswer::Expired,
            REFRESH_REVOKED => RefreshAnswer::Revoked,
            REFRESH_REUSED => RefreshAnswer::Reused(String::from_utf8(reply[1..].to_vec()).ok()?),
            _ => RefreshAnswer::Granted(granted(&mut from)?),
        })),
        FamilyExpects::Done => FamilyAnswer::Done(from.take(1)? > 0),
    }))
}

fn drawn(from: &mut Unpacker<'_>) -> Option<Drawn> {
    let DrawnReply { generation, expires, .. } = DrawnReply::take(from)?;
    Some(Drawn { generation, expires_ms: expires })
}

fn granted(from: &mut Unpacker<'_>) -> Option<Granted> {
    let drawn = drawn(from)?;
    let some = |text: String| Some(text).filter(|text| !text.is_empty());
    let (session, claims, scope) = (from.text(2)?, some(from.text(4)?), some(from.text(4)?));
    let count = from.take(4)?;
    let mut sealed = Vec::new();
    for _ in 0..count {
        let length = usize::try_from(from.take(2)?).ok()?;
        sealed.push(from.bytes(length)?.to_vec());
    }
    Some(Granted { session, claims, scope, drawn, sealed })
}
