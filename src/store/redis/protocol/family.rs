//! Logins and what follows them as calls of scripts, and what those answer.

use super::call::{Call, Expects, FamilyExpects, call, field};
use super::fields::{evicts, limit};
use super::key_names::Names;
use super::pack::{Packer, Unpacker};
use super::session::admission;
use crate::core::decision::login::known_session;
use crate::core::family::ops::{
    Drawn, FamilyAnswer, FamilyId, FamilyKey, FamilyOp, Granted, KnownFamily, Login, LoginAnswer,
    PresentedToken, Refresh, RefreshAnswer, Serial,
};
use crate::core::op::Answer;

/// All of the reply where no such family is known, or it is another user's, or has another key.
const UNKNOWN: [u8; 1] = [5];

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
            let numbers = with_serial(Packer::default().ms(horizon_ms).ms(*grace_ms), *serial);
            let arguments: [&[u8]; 6] = [&numbers, digest, user.as_bytes(), &key.0, next, sealed];
            let keys = keys(prefix, user, family);
            ask(&keys, &arguments, FamilyExpects::Refresh)
        }
        FamilyOp::Logout(PresentedToken { user, family, key, serial, digest }) => {
            let numbers = with_serial(Packer::default().ms(horizon_ms), *serial);
            let arguments: [&[u8]; 4] = [&numbers, digest, user.as_bytes(), &key.0];
            let keys = keys(prefix, user, family);
            ask(&keys, &arguments, FamilyExpects::Done)
        }
    }
}

fn with_serial(numbers: Packer, Serial { branch, number }: Serial) -> Vec<u8> {
    numbers.put(6, branch).put(6, number).0
}

fn log_in(prefix: &str, login: &Login<'_>, horizon_ms: u64) -> Call {
    let Login { admit, given, request, family, grace_ms } = login;
    let numbers = Packer::default()
        .put(7, limit(&admit.rule))
        .flag(evicts(&admit.rule))
        .ms(admit.rule.idle_ms)
        .ms(admit.rule.absolute_ms)
        .ms(horizon_ms)
        .flag(*given)
        .ms(family.ttl_ms)
        .ms(*grace_ms)
        .put(6, family.branch)
        .0;
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
            let answer = match from.take(1)? {
                0 => LoginAnswer::Refused(admission(&mut from, user, *limit)?),
                1 => {
                    let drawn = drawn(&mut from)?;
                    LoginAnswer::Admitted(admission(&mut from, user, *limit)?, drawn)
                }
                2 if from.0.is_empty() => LoginAnswer::Elsewhere(None),
                2 => {
                    let family = from.bytes(16)?.try_into().ok()?;
                    let key = FamilyKey(from.bytes(32)?.try_into().ok()?);
                    LoginAnswer::Elsewhere(Some((family, key)))
                }
                _ => return Some(Answer::Fault(known_session())),
            };
            FamilyAnswer::Login(Box::new(answer))
        }
        FamilyExpects::Refresh | FamilyExpects::Done if reply == UNKNOWN => FamilyAnswer::Unknown,
        FamilyExpects::Refresh => FamilyAnswer::Refresh(Box::new(match from.take(1)? {
            0 => RefreshAnswer::Invalid,
            1 => RefreshAnswer::Expired,
            2 => RefreshAnswer::Revoked,
            3 => RefreshAnswer::Reused(String::from_utf8(from.0.to_vec()).ok()?),
            _ => RefreshAnswer::Granted(granted(&mut from)?),
        })),
        FamilyExpects::Done => FamilyAnswer::Done(from.take(1)? > 0),
    }))
}

fn drawn(from: &mut Unpacker<'_>) -> Option<Drawn> {
    Some(Drawn { generation: from.take(7)?, expires_ms: from.take(6)? })
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
