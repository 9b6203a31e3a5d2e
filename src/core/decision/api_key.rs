//! A request with an API key, alone or with a token of its owner.

use super::decide::decide;
use super::user_state::UserState;
use crate::core::api_key::key::ApiKey;
use crate::core::api_key::ops::{KeyUsed, Use};
use crate::core::api_key::set::ApiKeySet;
use crate::core::api_key::types::KeyPlace;
use crate::core::base::clock::Now;
use crate::core::base::error::Fault;
use crate::core::base::reason::{Reason, Reasons};
use crate::core::quota::place::SideState;

/// Decides a use of a key. Reads first, and collects every reason to deny. An allowed use charges both quotas; a denied
/// use charges neither.
///
/// # Errors
/// `ERR_LATCHGATE_INPUT` if an idempotency key was used for another question and nothing else denies.
pub fn use_key(
    user: &mut UserState,
    keys: Option<&mut ApiKeySet>,
    asked: &Use<'_>,
    now: Now<'_>,
    most_lead_ms: u64,
    side: SideState<'_>,
) -> Result<KeyUsed, Fault> {
    let Use { decide: request, id, digest, scopes, cost, once, receipt } = asked;
    let mut deny = Reasons::default();
    let (mut own, mut facts, mut other_question) = (None, None, None);
    match keys.as_deref().and_then(|keys| Some((keys, keys.get(id, now.ms())?))) {
        None => deny.add(Reason::KeyUnknown),
        Some((keys, key)) => {
            deny = key.standing(digest, scopes, keys.epoch(), now.ms());
            if !deny.has(Reason::KeyUnknown) {
                facts = Some(key.facts());
                // A use that is denied for another reason does not look at the idempotency key.
                let stands = deny.first() == Reason::Allowed;
                let looked = key.look(*cost, once.as_ref().filter(|_| stands), now);
                own = looked.unwrap_or_else(|fault| {
                    other_question = Some(fault);
                    None
                });
            }
        }
    }
    if other_question.is_some() || own.is_some_and(|own| !own.allowed) {
        deny.add(Reason::QuotaExhausted);
    }
    let decision = decide(user, request, deny, now, most_lead_ms, side)?;
    if let Some(fault) = other_question.filter(|_| decision.reason == Reason::QuotaExhausted) {
        return Err(fault);
    }
    let place = KeyPlace { id: id.to_string(), owner: request.user.to_string() };
    if decision.reason == Reason::Allowed {
        let charge = |key: &mut ApiKey| key.charge(*cost, once.as_ref(), *receipt, own, now);
        own = keys.and_then(|keys| keys.with(id, now.ms(), charge)).flatten();
    } else if decision.reason != Reason::QuotaExhausted {
        own = None;
    }
    Ok(KeyUsed { decision, place, facts, own })
}
