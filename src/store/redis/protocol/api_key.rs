//! API keys as calls of scripts, and what those answer.

use super::api_key_index;
use super::api_key_index::ask;
use super::call::{Call, Expects, KeyExpects, Plan, Then, Undo, UseExpects, script_call};
use super::decide::{decide_call, decision};
use super::fields::reasons;
use super::key_names::Names;
use super::layout::{
    Duration, KeyAddArgument, KeyPatchArguments, KeyUseArguments, KeyViewReply, Rule, UndoArguments,
};
use super::numbers;
use super::numbers::{
    CLAIM_DONE, CLAIM_HELD, KEY_FACTS, KEY_QUOTA, NO_BALANCE, OTHER_QUESTION, PATCH_EXPIRY,
    PATCH_METADATA, PATCH_NAME, PATCH_RULE, PATCH_SCOPES, UNKNOWN_KEY, UPDATE_DONE,
    UPDATE_INDEX_FIRST, UPDATE_UNKNOWN,
};
use super::pack::{FAR, NEVER, Unpacker, first, status};
use super::quota;
use crate::core::api_key::key::{no_balance, unknown_key};
use crate::core::api_key::ops::{KeyAnswer, KeyOp, KeyUsed, Use};
use crate::core::api_key::types::KeyInfo;
use crate::core::api_key::types::{KeyFacts, KeyName, KeyPatch, KeyPlace, NewKey};
use crate::core::base::hash_slot::bucket;
use crate::core::base::reason::Reason;
use crate::core::op::{Answer, Op};
use crate::core::quota::idempotency::another_question;
use crate::core::quota::state::{Charged, QuotaRule, Refill};
use crate::core::script::Script;

fn key_and_ring(prefix: &str, place: &KeyPlace) -> [String; 2] {
    [Names::of_api_key(prefix, &place.id).key("a"), Names::of(prefix, &place.owner).key("ak")]
}

fn read_rule(from: &mut Unpacker<'_>) -> Option<QuotaRule> {
    let Rule { limit, window, period } = Rule::take(from)?;
    let refill = match (window, period) {
        (0, _) => Refill::Never,
        (window_ms, 0) => Refill::Window(window_ms),
        (window_ms, _) => Refill::Bucket(window_ms),
    };
    Some(QuotaRule { limit, refill })
}

/// What is said of a key: which members, expiry; name, scopes, metadata, rule.
fn patch(patch: &KeyPatch) -> [Vec<u8>; 5] {
    let KeyPatch { name, scopes, quota, expires_ms, metadata } = patch;
    let which = PATCH_NAME * u64::from(name.is_some())
        + PATCH_SCOPES * u64::from(scopes.is_some())
        + PATCH_METADATA * u64::from(metadata.is_some())
        + PATCH_RULE * u64::from(quota.is_some())
        + PATCH_EXPIRY * u64::from(expires_ms.is_some());
    let expires = expires_ms.flatten().map_or(NEVER, |at| at.min(FAR));
    let text = |text: Option<&String>| text.map(|text| text.clone().into_bytes());
    [
        KeyPatchArguments { which, expires }.pack(),
        text(name.as_ref()).unwrap_or_default(),
        scopes.as_ref().map(|scopes| scopes.join(" ").into_bytes()).unwrap_or_default(),
        text(metadata.as_ref().and_then(Option::as_ref)).unwrap_or_default(),
        quota.as_ref().map(|of| quota::rule(of).pack()).unwrap_or_default(),
    ]
}

/// Writes every act but a use.
pub fn encode(prefix: &str, op: &KeyOp<'_>) -> Call {
    match op {
        KeyOp::Find(KeyName::Id(id)) => {
            let expects = KeyExpects::Place(Some(id.clone()));
            ask(&[Names::of_api_key(prefix, id).key("a")], &[b"k"], expects)
        }
        KeyOp::Find(KeyName::Import(digest)) => api_key_index::find(prefix, digest),
        KeyOp::Claim { digest, place, over } => {
            api_key_index::claim(prefix, digest, place, over.as_ref())
        }
        KeyOp::UpdateIndex(pointing) => api_key_index::point(prefix, pointing),
        KeyOp::Create(new) => {
            let NewKey { place, digest, start, patch: said, imported } = &**new;
            let pointed: &[u8] = if *imported { digest } else { b"" };
            let [which, name, scopes, metadata, rule] = patch(said);
            let (id, owner) = (place.id.as_bytes(), place.owner.as_bytes());
            let start = start.as_bytes();
            let arguments: [&[u8]; 10] =
                [id, digest, owner, start, &which, &name, &scopes, &metadata, &rule, pointed];
            ask(&key_and_ring(prefix, place), &arguments, KeyExpects::Done)
        }
        // Written by `encode_use`.
        KeyOp::Use(_) => ask(&[], &[], KeyExpects::Done),
        KeyOp::Rotate { place, digest, start, grace_ms } => {
            let numbers = Duration { ms: *grace_ms }.pack();
            let arguments = [&*numbers, digest, start.as_bytes(), place.owner.as_bytes()];
            ask(&key_and_ring(prefix, place), &arguments, KeyExpects::Done)
        }
        KeyOp::Revoke(place) => {
            let keys = key_and_ring(prefix, place);
            let expects = KeyExpects::Revoked(place.clone());
            let arguments = [place.id.as_bytes(), place.owner.as_bytes()];
            ask(&keys, &arguments, expects)
        }
        KeyOp::Add { place, units, once } => {
            let mut keys = Vec::from(key_and_ring(prefix, place));
            let memory =
                once.map(|once| Names::of_api_key(prefix, &place.id).of_key("ik", &once.name));
            keys.extend(memory);
            let units = KeyAddArgument { units: *units }.pack();
            let question = once.map(|once| once.question).unwrap_or_default();
            let arguments: [&[u8]; 3] = [&units, place.owner.as_bytes(), &question];
            ask(&keys, &arguments[..keys.len()], KeyExpects::Added)
        }
        KeyOp::Update { place, patch: said, pointed } => {
            let [which, name, scopes, metadata, rule] = patch(said);
            let (id, pointed): (_, &[u8]) =
                (place.id.as_bytes(), if *pointed { b"1" } else { b"" });
            let owner = place.owner.as_bytes();
            let arguments: [&[u8]; 8] =
                [id, &which, &name, &scopes, &metadata, &rule, pointed, owner];
            let expects = KeyExpects::Updated(place.clone());
            ask(&key_and_ring(prefix, place), &arguments, expects)
        }
        KeyOp::Ids { owner, from } => {
            let from = if from.is_empty() { "0" } else { from };
            let keys = [Names::of(prefix, owner).key("ak")];
            ask(&keys, &[from.as_bytes()], KeyExpects::Ids)
        }
        KeyOp::Get { owner, ids } => {
            // Of another bucket none is this owner's, and the script sees one slot.
            let own = format!("{:04x}", bucket(owner));
            let ids: Vec<String> = ids.iter().filter(|id| id.starts_with(&own)).cloned().collect();
            let mut keys = vec![Names::of(prefix, owner).key("ak")];
            keys.extend(ids.iter().map(|id| Names::of_api_key(prefix, id).key("a")));
            let arguments: Vec<&[u8]> =
                [owner].into_iter().chain(&ids).map(|text| text.as_bytes()).collect();
            let expects = KeyExpects::Infos { owner: owner.clone(), ids: ids.clone() };
            ask(&keys, &arguments, expects)
        }
    }
}

/// Writes a use.
pub fn encode_use(prefix: &str, asked: &Use<'_>, op: &Op<'_>) -> Plan {
    let place = KeyPlace { id: asked.id.to_string(), owner: asked.decide.user.to_string() };
    let decide = decide_call(prefix, &asked.decide, op);
    let owner = Names::of(prefix, &place.owner);
    let own = Names::of_api_key(prefix, &place.id);
    let [key, ring] = key_and_ring(prefix, &place);
    let [user, due] = [owner.key("u"), owner.key("d")];
    let balances = decide.keys.into_iter().nth(2).unwrap_or_else(|| owner.key("b"));
    let mut keys = vec![user, due, balances, key.clone(), ring];
    let own_memory = asked.once.as_ref().map(|once| own.of_key("ik", &once.name));
    keys.extend(own_memory.clone());
    keys.extend(decide.memory);
    let alone = asked.decide.token.is_empty();
    let once = own_memory.is_some();
    let numbers = KeyUseArguments { alone, cost: asked.cost, once }.pack();
    let receipt = asked.receipt.as_ref().map(<[u8; 16]>::as_slice).unwrap_or_default();
    let question = asked.once.as_ref().map(|once| once.question);
    let mut arguments: Vec<&[u8]> = decide.arguments.iter().map(Vec::as_slice).collect();
    arguments.extend([&*numbers, &asked.digest, receipt]);
    arguments.push(question.as_ref().map(<[u8; 16]>::as_slice).unwrap_or_default());
    arguments.push(asked.decide.user.as_bytes());
    arguments.extend(asked.scopes.iter().map(String::as_bytes));
    let undo = asked.receipt.map(|_| Undo { memory: own_memory, units: asked.cost, key });
    let (scope_ok, limit, quota) = (decide.scope_ok, decide.limit, decide.quota);
    let issuer = asked.decide.issuer.to_string();
    let expects =
        KeyExpects::Used(Box::new(UseExpects { place, scope_ok, limit, quota, issuer, undo }));
    let then = decide.then.map_or(Then::Nothing, Then::Charge);
    Plan { call: ask(&keys, &arguments, expects), then }
}

/// What gives back what a use has charged to the key.
pub fn undo(expects: &Expects, verdict: &Answer) -> Option<Call> {
    let (Expects::ApiKey(KeyExpects::Used(asked)), Answer::ApiKey(KeyAnswer::Used(used))) =
        (expects, verdict)
    else {
        return None;
    };
    let Undo { key, memory, units } = asked.undo.as_ref()?;
    // What was told again too: while this use rested on it, the one that was charged could not give it back.
    let owner = asked.place.owner.as_bytes();
    let Charged { id, born_us, void_ms, at } = used.own?.charged?;
    let keys: Vec<String> = [key.clone()].into_iter().chain(memory.clone()).collect();
    let numbers = UndoArguments { born: born_us, void: void_ms, units: *units, at }.pack();
    Some(script_call(Script::KeyUndo, &keys, &[&numbers, &id, owner], Expects::Consumption))
}

/// Reads a reply. `None`: it is not what the script answers.
pub fn decode(expects: &KeyExpects, reply: &[u8]) -> Option<Answer> {
    let mut from = Unpacker(reply);
    Some(Answer::ApiKey(match expects {
        KeyExpects::Place(id) => match from.take(1)? {
            CLAIM_DONE => KeyAnswer::Place(None),
            CLAIM_HELD => KeyAnswer::Place(Some(api_key_index::place(from.0, id.as_deref())?)),
            _ => KeyAnswer::Done(false),
        },
        KeyExpects::Done => KeyAnswer::Done(from.take(4)? > 0),
        KeyExpects::Added => match status(reply) {
            Some(UNKNOWN_KEY) => return Some(Answer::Fault(unknown_key())),
            Some(NO_BALANCE) => return Some(Answer::Fault(no_balance())),
            _ => match quota::verdict(reply)? {
                Answer::Consumption(added) => KeyAnswer::Added(added),
                fault => return Some(fault),
            },
        },
        KeyExpects::Ids => {
            let next = Some(from.text(4)?).filter(|next| next != "0");
            let count = from.take(4)?;
            let ids = (0..count).map(|_| from.text(4)).collect::<Option<_>>()?;
            KeyAnswer::Ids { ids, next }
        }
        KeyExpects::Revoked(place) => {
            let done = KeyAnswer::Done(from.take(4)? > 0);
            match api_key_index::ended(&mut from, place) {
                Some(ended) => KeyAnswer::IndexUpdate(vec![ended], Box::new(done)),
                None => done,
            }
        }
        KeyExpects::Updated(place) => match first(reply)? {
            UPDATE_UNKNOWN => return Some(Answer::Fault(unknown_key())),
            UPDATE_DONE => {
                from.take(1)?;
                KeyAnswer::Infos(vec![info(&mut from, place.clone())?])
            }
            UPDATE_INDEX_FIRST => {
                from.take(1)?;
                let changing = api_key_index::changing(&mut from, place)?;
                KeyAnswer::IndexUpdate(vec![changing], Box::new(KeyAnswer::Done(false)))
            }
            _ => {
                let changed = api_key_index::changed(&mut from, place)?;
                let infos = KeyAnswer::Infos(vec![info(&mut from, place.clone())?]);
                KeyAnswer::IndexUpdate(vec![changed], Box::new(infos))
            }
        },
        KeyExpects::Infos { owner, ids } => {
            let count = from.take(4)?;
            let mut infos = Vec::new();
            for _ in 0..count {
                let id = ids.get(usize::try_from(from.take(4)?).ok()?)?;
                let place = KeyPlace { id: id.clone(), owner: owner.clone() };
                infos.push(info(&mut from, place)?);
            }
            let mut fallen = Vec::new();
            while !from.0.is_empty() {
                let id = ids.get(usize::try_from(from.take(4)?).ok()?)?;
                let place = KeyPlace { id: id.clone(), owner: owner.clone() };
                fallen.push(api_key_index::ended(&mut from, &place)?);
            }
            let infos = KeyAnswer::Infos(infos);
            if fallen.is_empty() { infos } else { KeyAnswer::IndexUpdate(fallen, Box::new(infos)) }
        }
        KeyExpects::Used(_) if status(reply) == Some(OTHER_QUESTION) => {
            return Some(Answer::Fault(another_question()));
        }
        KeyExpects::Used(asked) => KeyAnswer::Used(Box::new(used(&mut from, asked)?)),
    }))
}

fn scopes(text: &str) -> Vec<String> {
    text.split(' ').filter(|scope| !scope.is_empty()).map(str::to_owned).collect()
}

fn some(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

fn instant(ms: u64) -> Option<u64> {
    Some(ms).filter(|ms| *ms != NEVER)
}

fn info(from: &mut Unpacker<'_>, place: KeyPlace) -> Option<KeyInfo> {
    let view = KeyViewReply::take(from)?;
    let (name, start) = (some(from.text(4)?), from.text(4)?);
    let (list, metadata) = (scopes(&from.text(4)?), some(from.text(4)?));
    let (rule, quota) = if view.quota {
        (Some(read_rule(from)?), Some(quota::consumption(from)?))
    } else {
        (None, None)
    };
    Some(KeyInfo {
        place,
        name,
        start,
        facts: KeyFacts { scopes: list, metadata, rule },
        created_ms: view.created,
        expires_ms: instant(view.expires),
        last_used_ms: Some(view.last_used).filter(|last| *last > 0),
        revoked: view.revoked,
        quota,
    })
}

/// The reasons of an API key.
const REASONS: [(u64, Reason); 5] = [
    (numbers::KEY_UNKNOWN, Reason::KeyUnknown),
    (numbers::KEY_REVOKED, Reason::KeyRevoked),
    (numbers::KEY_EXPIRED, Reason::KeyExpired),
    (numbers::KEY_SCOPE_MISSING, Reason::ScopeMissing),
    (numbers::KEY_QUOTA_EXHAUSTED, Reason::QuotaExhausted),
];

fn used(from: &mut Unpacker<'_>, asked: &UseExpects) -> Option<KeyUsed> {
    let (bits, flags) = (from.take(1)?, from.take(1)?);
    let (mut facts, mut own) = (None, None);
    if flags & KEY_FACTS != 0 {
        let (list, metadata) = (scopes(&from.text(4)?), some(from.text(4)?));
        facts = Some(KeyFacts { scopes: list, metadata, rule: None });
    }
    if flags & KEY_QUOTA != 0 {
        let rule = read_rule(from)?;
        facts.as_mut()?.rule = Some(rule);
        own = Some(quota::consumption(from)?);
    }
    let deny = reasons(bits, &REASONS);
    let mut decision = decision(from, asked.scope_ok, asked.limit, asked.quota, &asked.issuer)?;
    let told = decision.quota;
    decision.deny_as_well(deny);
    decision.quota = told.filter(|_| decision.may_tell_quotas());
    let own = own.filter(|_| decision.may_tell_quotas());
    Some(KeyUsed { decision, place: asked.place.clone(), facts, own })
}
