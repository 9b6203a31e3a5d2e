//! Quotas as calls of scripts, and what those answer.

use super::call::{Call, Expects, call, field};
use super::key_names::Names;
use super::layout::{
    AddUnitsArguments, ChargedReply, ConsumeArguments, QuotaReply, RefundArguments, Rule,
};
use super::numbers::{
    OTHER_QUESTION, QUOTA_ALLOWED, QUOTA_CHARGED, QUOTA_REPLAYED, TOO_MANY_UNITS,
};
use super::pack::{NEVER, Unpacker, status};
use crate::core::api_key::key::key_of_balance;
use crate::core::op::Answer;
use crate::core::quota::charge::Charge;
use crate::core::quota::idempotency::{Idempotency, another_question};
use crate::core::quota::spend::{AddUnits, Consume, Refund, too_many};
use crate::core::quota::state::{Charged, Consumption, QuotaRule, Refill, Spend};
use crate::core::script::Script;
use std::borrow::Cow;

/// What a charge leaves behind beside the quota.
pub struct Remembering<'a> {
    /// Of the receipt; empty where none is wanted.
    pub id: &'a [u8],
    /// Empty without an idempotency key.
    pub question: &'a [u8],
}

impl<'a> Remembering<'a> {
    /// That of a charge.
    pub fn of(spend: &'a Spend, once: Option<&'a Idempotency>) -> Self {
        Self {
            id: spend.receipt.as_ref().map(<[u8; 16]>::as_slice).unwrap_or_default(),
            question: once.map(|once| once.question.as_slice()).unwrap_or_default(),
        }
    }
}

/// A rule as numbers.
pub fn rule(rule: &QuotaRule) -> Rule {
    let window = match rule.refill {
        Refill::Never => 0,
        Refill::Window(ms) | Refill::Bucket(ms) => ms,
    };
    Rule { limit: rule.limit, window, period: rule.period_us() }
}

/// A charge as numbers.
pub fn taken(of: &QuotaRule, spend: &Spend) -> ConsumeArguments {
    let Rule { limit, window, period } = rule(of);
    // A window and a bucket end by themselves.
    let keep = spend.keep_ms.filter(|_| of.refill == Refill::Never).unwrap_or(0);
    ConsumeArguments { limit, window, period, cost: spend.cost, keep, of_request: false }
}

/// A quota that lies apart. Its bucket is that of its name without the letter of its algorithm, so that
/// all of a name lie in one slot.
struct Apart<'a> {
    tag: &'a str,
    names: Names,
}

impl<'a> Apart<'a> {
    fn of(prefix: &str, key: &'a str) -> Self {
        let (tag, name) = key.split_at(key.chars().next().map_or(0, char::len_utf8));
        Self { tag, names: Names::of(prefix, name) }
    }

    fn key(&self) -> String {
        self.names.key(&format!("q{}", self.tag))
    }

    fn keys(&self, once: Option<&Idempotency>) -> Vec<String> {
        let memory = once.map(|once| self.names.of_key("iq", &once.name));
        std::iter::once(self.key()).chain(memory).collect()
    }
}

/// Where a balance that has no end lies: with the API key that holds it, so that it goes with the key, or with
/// the user's.
pub fn balances(prefix: &str, user: &Names, key: &str) -> String {
    key_of_balance(key).map_or_else(|| user.key("b"), |id| Names::of_api_key(prefix, id).key("a"))
}

/// Charges a quota that lies apart.
pub fn consume(prefix: &str, asked: &Consume<'_>) -> Call {
    consume_key(prefix, &asked.key, &asked.rule, &asked.spend, asked.once.as_ref(), false)
}

/// The same as the second step of a decision.
pub fn consume_apart(prefix: &str, charge: &Charge<'_>) -> Call {
    let call =
        consume_key(prefix, &charge.key, &charge.rule, &charge.spend, charge.once.as_ref(), true);
    Call { script: Some(Script::Consume), ..call }
}

fn consume_key(
    prefix: &str,
    key: &str,
    rule: &QuotaRule,
    spend: &Spend,
    once: Option<&Idempotency>,
    of_request: bool,
) -> Call {
    let numbers = ConsumeArguments { of_request, ..taken(rule, spend) }.pack();
    let Remembering { id, question } = Remembering::of(spend, once);
    let arguments = [&*numbers, id, question];
    let count = if once.is_some() { 3 } else { 2 };
    let keys = Apart::of(prefix, key).keys(once);
    call(&keys, &arguments[..count], Expects::Consumption)
}

/// Tops up a balance that lies apart.
pub fn add(prefix: &str, asked: &AddUnits<'_>) -> Call {
    let once = asked.once.as_ref();
    let numbers = AddUnitsArguments { limit: asked.rule.limit, units: asked.units }.pack();
    let keys = Apart::of(prefix, &asked.key).keys(once);
    let arguments = [&*numbers, once.map(|once| once.question.as_slice()).unwrap_or_default()];
    call(&keys, &arguments[..keys.len()], Expects::Consumption)
}

/// Gives a charge back.
pub fn refund(prefix: &str, asked: &Refund<'_>) -> Call {
    let Charged { id, born_us, void_ms, at } = asked.charged;
    let apart = Apart::of(prefix, &asked.key);
    let (names, key, place) = match asked.user.as_deref() {
        None => (apart.names, None, Vec::new()),
        Some(user) => {
            let names = Names::of(prefix, user);
            let hash =
                if asked.lasting { balances(prefix, &names, &asked.key) } else { names.key("u") };
            (names, Some(hash), field(b'q', asked.key.as_bytes()))
        }
    };
    let key = key.unwrap_or_else(|| Apart::of(prefix, &asked.key).key());
    let memory = asked.memory.map(|name| names.of_key("iq", &name));
    let keys: Vec<String> = [key, names.beside("rf", &id)].into_iter().chain(memory).collect();
    let numbers = RefundArguments {
        born: born_us,
        void: void_ms,
        units: asked.units,
        at,
        of_request: asked.of_request,
    }
    .pack();
    // What an API key holds may lie with another owner's key by now.
    let of_key = asked.lasting && key_of_balance(&asked.key).is_some();
    let owner = asked.user.as_deref().filter(|_| of_key).unwrap_or_default();
    call(&keys, &[&numbers, &id, &place, owner.as_bytes()], Expects::Flag)
}

/// Forgets quotas that lie apart; they are of one name.
pub fn reset(prefix: &str, keys: &[Cow<'_, str>]) -> Call {
    let keys: Vec<String> = keys.iter().map(|key| Apart::of(prefix, key).key()).collect();
    call(&keys, &[], Expects::Flag)
}

/// Reads what a charge, or a top-up, was answered.
pub fn verdict(reply: &[u8]) -> Option<Answer> {
    Some(match status(reply) {
        Some(OTHER_QUESTION) => Answer::Fault(another_question()),
        Some(TOO_MANY_UNITS) => Answer::Fault(too_many()),
        _ => Answer::Consumption(consumption(&mut Unpacker(reply))?),
    })
}

/// Reads what the library of quotas tells of one.
pub fn consumption(from: &mut Unpacker<'_>) -> Option<Consumption> {
    let QuotaReply { flags, limit, remaining, reset, left, retry } = QuotaReply::take(from)?;
    let charged = if flags & QUOTA_CHARGED == 0 {
        None
    } else {
        let ChargedReply { born, void, id, at } = ChargedReply::take(from)?;
        Some(Charged { id, born_us: born, void_ms: void, at })
    };
    Some(Consumption {
        allowed: flags & QUOTA_ALLOWED != 0,
        limit,
        remaining,
        reset_ms: (reset > 0).then_some(reset),
        reset_in_ms: (reset > 0).then_some(left),
        retry_after_ms: (retry != NEVER).then_some(retry),
        replayed: flags & QUOTA_REPLAYED != 0,
        charged,
    })
}
