//! Changes of counters, and keys of `once`, as calls of scripts.

use super::call::{Call, Expects, call};
use super::credential;
use super::key_names::Names;
use super::layout::{CounterChange, Duration};
use super::numbers::{APPLIED, APPLIED_BEFORE, APPLY_DENIED, APPLY_OTHER_QUESTION, NOT_APPLIED};
use super::pack::{Packer, Unpacker};
use crate::core::base::error::Fault;
use crate::core::counter::counter::{Applied, Apply};
use crate::core::op::Answer;
use crate::core::quota::idempotency::another_question;

/// Writes changes of counters.
pub fn apply(prefix: &str, apply: &Apply<'_>, horizon_ms: u64) -> Call {
    let names = Names::of(prefix, &apply.user);
    let changes = apply.changes.iter().fold(Packer::default(), |packed, change| {
        CounterChange { delta: change.delta, least: change.min, most: change.max }.put(packed)
    });
    let question = apply.once.map_or([0; 16], |once| once.question);
    let mut keys = vec![names.key("c")];
    keys.extend(apply.once.as_ref().map(|once| names.of_key("ic", &once.name)));
    let mut arguments = vec![&question[..], &changes.0];
    arguments.extend(apply.changes.iter().map(|change| change.name.as_bytes()));
    let expects = Expects::Applied(apply.changes.len());
    let Some(credential) = &apply.credential else {
        return call(&keys, &arguments, expects);
    };
    let asked = credential::asked(prefix, &apply.user, credential, horizon_ms);
    keys.splice(0..0, asked.keys);
    arguments.splice(0..0, asked.arguments.each_ref().map(|bytes| &bytes[..]));
    call(&keys, &arguments, expects)
}

/// Reads what changes came to.
pub fn applied(from: &mut Unpacker<'_>, changes: usize) -> Option<Answer> {
    let status = from.take(1)?;
    match status {
        NOT_APPLIED | APPLIED | APPLIED_BEFORE => {
            let value = |_| from.take(8).map(u64::cast_signed);
            let values = (0..changes).map(value).collect::<Option<Vec<_>>>()?;
            Some(Answer::Applied(Applied {
                applied: status != NOT_APPLIED,
                replayed: status == APPLIED_BEFORE,
                values,
            }))
        }
        APPLY_OTHER_QUESTION => Some(Answer::Fault(another_question())),
        APPLY_DENIED => Some(Answer::Fault(Fault::revoked())),
        _ => None,
    }
}

/// Writes the taking of a key, for so long or for ever.
pub fn once(prefix: &str, key: &str, by: &str, ttl_ms: Option<u64>) -> Call {
    let numbers = Duration { ms: ttl_ms.unwrap_or(0) }.pack();
    call(&[once_key(prefix, key)], &[&numbers, by.as_bytes()], Expects::Flag)
}

/// Writes its release.
pub fn once_release(prefix: &str, key: &str, by: &str) -> Call {
    call(&[once_key(prefix, key)], &[by.as_bytes()], Expects::Flag)
}

fn once_key(prefix: &str, key: &str) -> String {
    Names::of(prefix, key).key("o")
}
