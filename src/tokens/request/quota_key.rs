//! The charge of a policy for a request, and the key under which its quota is counted (docs/layout.md).

use crate::core::quota::charge::{Charge, QuotaPlace};
use crate::core::quota::idempotency::Idempotency;
use crate::core::quota::state::{QuotaRule, ReceiptId, Refill, Spend};
use crate::tokens::encoding::sha256;
use std::borrow::Cow;

/// The holder of the units of a quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    /// The user.
    User,
    /// The session, or the user if the request has no session.
    Session,
    /// The API key, or the user if the request has no API key.
    Key,
    /// The holder that a function of the policy returns for the request.
    Named,
}

/// The quota of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyQuota {
    /// Its name. Policies that use the same name share the units.
    pub name: String,
    /// The holder of the units.
    pub holder: Holder,
    /// The rule of the quota.
    pub rule: QuotaRule,
    /// The cost of a request that states no cost.
    pub cost: u64,
    /// Whether a charge can be refunded.
    pub refundable: bool,
}

/// The values of a request that determine its charge.
#[derive(Clone, Copy, Debug)]
pub struct Asking<'a> {
    /// The user.
    pub user: &'a str,
    /// The session. Empty if there is none.
    pub session: &'a str,
    /// The id of the API key. Empty if there is none.
    pub key: &'a str,
    /// The holder that a function of the policy returned.
    pub named: &'a str,
    /// The units to charge.
    pub cost: u64,
    /// The longest life of a session, in milliseconds.
    pub session_ms: u64,
    /// The idempotency key of the charge.
    pub idempotency_key: Option<&'a str>,
    /// The id of the receipt, if the charge can be refunded.
    pub receipt: Option<ReceiptId>,
}

/// Each algorithm has its own tag, so that no algorithm reads the state of another.
const fn tag(rule: &QuotaRule) -> char {
    match rule.refill {
        Refill::Never => 'b',
        Refill::Window(_) => 'w',
        Refill::Bucket(_) => 'g',
    }
}

impl PolicyQuota {
    /// Returns the charge for a request.
    #[must_use]
    pub fn charge(&self, asking: &Asking<'_>) -> Charge<'static> {
        let Self { name, rule, .. } = self;
        let Asking { user, session, key: api_key, named, cost, .. } = *asking;
        let tag = tag(rule);
        // A name contains no control character: the zero byte ends it.
        let (place, key, keep_ms) = match self.holder {
            Holder::Key if !api_key.is_empty() => {
                (QuotaPlace::Record, format!("{tag}k{name}\0{api_key}"), None)
            }
            Holder::Session if !session.is_empty() => {
                let key = format!("{tag}s{name}\0{session}");
                (QuotaPlace::Record, key, Some(asking.session_ms))
            }
            Holder::Named => (QuotaPlace::Apart, format!("{tag}p{name}\0{named}"), None),
            Holder::User | Holder::Session | Holder::Key => {
                (QuotaPlace::Record, format!("{tag}u{name}"), None)
            }
        };
        let holder = if place == QuotaPlace::Record { user } else { "" };
        let once = asking.idempotency_key.map(|key_of_caller| {
            idempotency(holder, &key, key_of_caller, Kind::Charge, rule, cost)
        });
        let spend = Spend { cost, keep_ms, receipt: asking.receipt };
        Charge { place, key: Cow::Owned(key), rule: *rule, spend, once }
    }
}

/// The kind of act that an idempotency key remembers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A charge.
    Charge,
    /// A top-up.
    TopUp,
}

/// Returns the name and the question under which an act on a quota is remembered. `holder` is the user whose
/// record contains the quota, or empty. The name omits the letter of the algorithm, so that a change of the
/// rule under the same key is detected.
#[must_use]
pub fn idempotency(
    holder: &str,
    quota_key: &str,
    key_of_caller: &str,
    kind: Kind,
    rule: &QuotaRule,
    units: u64,
) -> Idempotency {
    let (tag, window_ms) = match rule.refill {
        Refill::Never => (0, 0),
        Refill::Window(ms) => (1, ms),
        Refill::Bucket(ms) => (2, ms),
    };
    let kind = match kind {
        Kind::Charge => 0,
        Kind::TopUp => 1,
    };
    let mut name = Vec::with_capacity(holder.len() + quota_key.len() + key_of_caller.len() + 16);
    for part in [holder, &quota_key[1..], key_of_caller] {
        name.extend_from_slice(&(part.len() as u64).to_be_bytes());
        name.extend_from_slice(part.as_bytes());
    }
    let question: Vec<u8> =
        [kind, tag, rule.limit, window_ms, units].iter().flat_map(|n| n.to_be_bytes()).collect();
    Idempotency { name: half(&sha256(&name)), question: half(&sha256(&question)) }
}

fn half(hash: &[u8; 32]) -> [u8; 16] {
    let (half, _) = hash.split_at(16);
    half.try_into().unwrap_or_default()
}

/// Returns the name and the question for a use of an API key, or for a top-up of its balance. They apply to
/// that API key only.
#[must_use]
pub fn key_idempotency(key_of_caller: &str, kind: Kind, units: u64) -> Idempotency {
    let kind = match kind {
        Kind::Charge => 0,
        Kind::TopUp => 1_u64,
    };
    let question: Vec<u8> = [kind, units].iter().flat_map(|n| n.to_be_bytes()).collect();
    Idempotency {
        name: half(&sha256(key_of_caller.as_bytes())),
        question: half(&sha256(&question)),
    }
}

/// Returns the key of a quota that is charged directly.
#[must_use]
pub fn direct_key(key: &str, rule: &QuotaRule) -> String {
    format!("{}d{key}", tag(rule))
}

/// Returns all keys under which a directly charged quota can be counted.
#[must_use]
pub fn direct_keys(key: &str) -> Vec<String> {
    ["b", "w", "g"].iter().map(|tag| format!("{tag}d{key}")).collect()
}
