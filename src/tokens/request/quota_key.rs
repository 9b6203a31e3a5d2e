//! What a policy charges a request, and the key under which it is counted (docs/layout.md).

use crate::core::quota::charge::{Charge, QuotaPlace};
use crate::core::quota::idempotency::Idempotency;
use crate::core::quota::state::{QuotaRule, ReceiptId, Refill, Spend};
use crate::tokens::encoding::sha256;
use std::borrow::Cow;

/// Whose units they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    /// The user.
    User,
    /// The session; the user where there is none.
    Session,
    /// The API key; the user where there is none.
    Key,
    /// Whoever a function of the request names.
    Named,
}

/// A policy's quota.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyQuota {
    /// Its name: the same name means the same units, in whichever policy.
    pub name: String,
    /// Whose units they are.
    pub holder: Holder,
    /// Its rule.
    pub rule: QuotaRule,
    /// What a request costs unless it says otherwise.
    pub cost: u64,
    /// What it was charged may be given back.
    pub refundable: bool,
}

/// What a request says of its charge.
#[derive(Clone, Copy, Debug)]
pub struct Asking<'a> {
    /// The user.
    pub user: &'a str,
    /// The session; empty where there is none.
    pub session: &'a str,
    /// The id of the API key; empty where there is none.
    pub key: &'a str,
    /// Whom a function named as the holder.
    pub named: &'a str,
    /// Units.
    pub cost: u64,
    /// The longest life of a session, in milliseconds.
    pub session_ms: u64,
    /// Once, under this.
    pub idempotency_key: Option<&'a str>,
    /// Of the receipt, where the charge may be given back.
    pub receipt: Option<ReceiptId>,
}

/// Keys of different algorithms are different, so that none misreads another's state.
const fn tag(rule: &QuotaRule) -> char {
    match rule.refill {
        Refill::Never => 'b',
        Refill::Window(_) => 'w',
        Refill::Bucket(_) => 'g',
    }
}

impl PolicyQuota {
    /// What a request is charged.
    #[must_use]
    pub fn charge(&self, asking: &Asking<'_>) -> Charge<'static> {
        let Self { name, rule, .. } = self;
        let Asking { user, session, key: api_key, named, cost, .. } = *asking;
        let tag = tag(rule);
        // A name holds no control character: the zero byte ends it.
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

/// What is remembered under an idempotency key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A charge.
    Charge,
    /// A top-up.
    TopUp,
}

/// Under what an act on a quota is remembered. `holder` is the user in whose record it lies, or empty. The
/// letter of the algorithm is left out of the name: another rule under the same key must be seen.
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

/// Under what a use of an API key, or a top-up of its balance, is remembered: of that key alone.
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

/// The key of a quota that is charged directly.
#[must_use]
pub fn direct_key(key: &str, rule: &QuotaRule) -> String {
    format!("{}d{key}", tag(rule))
}

/// Every key that a quota charged directly may be counted under.
#[must_use]
pub fn direct_keys(key: &str) -> Vec<String> {
    ["b", "w", "g"].iter().map(|tag| format!("{tag}d{key}")).collect()
}
