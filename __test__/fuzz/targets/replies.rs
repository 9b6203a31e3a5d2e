//! Operations as calls, and what a server answers them: a call is well formed and all of its keys lie in its slot, whatever
//! ids are in it; any bytes come to a verdict or to none, and a verdict of fixed form to no other when its end is missing.
#![no_main]

use latchgate::core::api_key::ops::{KeyOp, Use};
use latchgate::core::api_key::types::{KeyName, KeyPatch, KeyPlace};
use latchgate::core::counter::counter::{Apply, Change};
use latchgate::core::family::ops::{
    FamilyAnswer, FamilyKey, FamilyOp, Login, NewFamily, PresentedToken, Refresh, Serial,
};
use latchgate::core::op::{Act, Answer, Op};
use latchgate::core::quota::charge::{Charge, QuotaPlace};
use latchgate::core::quota::spend::Consume;
use latchgate::core::quota::state::{QuotaRule, Refill, Spend};
use latchgate::core::request::credential::Credential;
use latchgate::core::request::request::{Admit, Decide, SessionCheck};
use latchgate::core::revocation::epoch::Issued;
use latchgate::core::revocation::lead::Lead;
use latchgate::core::session::rule::{AdmissionRule, OnLimit};
use latchgate::core::session::session::Cursor;
use latchgate::core::turn::ops::{TurnKind, TurnOp, TurnPlace};
use latchgate::store::redis::fuzzing::{
    Call, Reply, Then, begin, decode, encode, read_reply, slot,
};
use latchgate_fuzz::Feed;
use libfuzzer_sys::fuzz_target;

const RULE: AdmissionRule = AdmissionRule {
    limit: Some(3),
    hard_limit: 10_000,
    on_limit: OnLimit::EvictOldest,
    idle_ms: 60_000,
    absolute_ms: 600_000,
};
const QUOTA: QuotaRule = QuotaRule { limit: 10, refill: Refill::Window(60_000) };

fn decide<'a>(feed: &mut Feed<'_>, user: String, charged: bool) -> Decide<'a> {
    let charge = Charge {
        place: if feed.flag() { QuotaPlace::Record } else { QuotaPlace::Apart },
        key: format!("w{}", feed.text()).into(),
        rule: QUOTA,
        spend: Spend::of(feed.number()),
        once: None,
    };
    Decide {
        user: user.into(),
        token: feed.bytes(16).to_vec().into(),
        issued: Issued::Foreign { iat_ms: feed.number() },
        issuer: feed.text().into(),
        session: feed.text().into(),
        check: SessionCheck::FirstUse,
        rule: RULE,
        scope_ok: feed.flag(),
        touch: true,
        charge: charged.then_some(charge),
    }
}

fn admit<'a>(feed: &mut Feed<'_>, user: String) -> Admit<'a> {
    Admit { user: user.into(), session: feed.text().into(), device: None, rule: RULE }
}

fn login<'a>(feed: &mut Feed<'_>, user: String) -> FamilyOp<'a> {
    let family = NewFamily {
        id: feed.array(),
        key: FamilyKey(feed.array()),
        branch: feed.number(),
        digest: feed.array(),
        ttl_ms: feed.number(),
        claims: None,
        scope: Some(feed.text().into()),
    };
    let (admit, given) = (admit(feed, user), feed.flag());
    FamilyOp::Login(Box::new(Login { admit, given, request: None, family, grace_ms: 1 }))
}

fn presented<'a>(feed: &mut Feed<'_>, user: String) -> PresentedToken<'a> {
    PresentedToken {
        user: user.into(),
        family: feed.array(),
        key: FamilyKey(feed.array()),
        serial: Serial { branch: feed.number(), number: feed.number() },
        digest: feed.array(),
    }
}

fn key<'a>(feed: &mut Feed<'_>, kind: u8, owner: String) -> KeyOp<'a> {
    // The ids of an owner's keys begin with the owner's bucket: `api_key::read` takes no other.
    let bucket = latchgate::core::base::hash_slot::bucket(&owner);
    let place =
        KeyPlace { id: format!("{bucket:04x}{:016x}", feed.number()), owner: owner.clone() };
    match kind {
        0 => KeyOp::Find(KeyName::Id(place.id)),
        1 => KeyOp::Find(KeyName::Import(feed.array())),
        2 => KeyOp::Ids { owner, from: feed.text() },
        3 => KeyOp::Get { owner, ids: (0..4).map(|n| format!("{bucket:04x}{n:016x}")).collect() },
        4 => KeyOp::Revoke(place),
        5 => KeyOp::Update { place, patch: Box::<KeyPatch>::default(), pointed: feed.flag() },
        6 => KeyOp::Add { place, units: feed.number(), once: None },
        _ => KeyOp::Use(Box::new(Use {
            id: place.id.into(),
            digest: feed.array(),
            scopes: vec![feed.text()],
            cost: feed.number(),
            once: None,
            receipt: Some(feed.array()),
            decide: decide(feed, owner, true),
        })),
    }
}

/// An act; whether its reply has a text without a length, or parts that may be left out, at its end.
fn act<'a>(feed: &mut Feed<'_>) -> (Act<'a>, bool) {
    let kind = feed.byte() % 26;
    let user = feed.text();
    let text = |feed: &mut Feed<'_>| feed.text().into();
    let act = match kind {
        0 => Act::Decide(decide(feed, user, false)),
        1 => Act::Decide(decide(feed, user, true)),
        2 => Act::Admit(admit(feed, user)),
        3 => Act::Touch { user: user.into(), session: text(feed) },
        4 => {
            let from = Cursor { at: feed.number(), skip: feed.number() };
            Act::List { user: user.into(), from }
        }
        5 => Act::EndAll { user: user.into(), except: Some(text(feed)) },
        6 => Act::NextGeneration { user: user.into() },
        7 => {
            let (rule, spend) = (QUOTA, Spend::of(feed.number()));
            Act::Consume(Consume { key: format!("w{user}").into(), rule, spend, once: None })
        }
        8 => Act::ReceiptKey { fresh: feed.array() },
        9..=16 => Act::ApiKey(key(feed, kind - 9, user)),
        17 => Act::Family(FamilyOp::Find { bucket: 7, family: feed.array() }),
        18 => Act::Family(login(feed, user)),
        19 => Act::Family(FamilyOp::Refresh(Box::new(Refresh {
            token: presented(feed, user),
            next: feed.array(),
            sealed: feed.bytes(44).to_vec().into(),
            grace_ms: feed.number(),
        }))),
        20 => Act::Family(FamilyOp::Logout(presented(feed, user))),
        21 => {
            let change = Change { name: text(feed), delta: -1, min: 0, max: 9 };
            let changes = vec![change; usize::from(feed.byte() % 4)];
            Act::Apply(Apply { user: user.into(), changes, once: None, credential: None })
        }
        22 => Act::CheckCredential { user: user.into(), credential: Credential::default() },
        23 => {
            let place = TurnPlace { kind: TurnKind::Lock, id: user.into() };
            Act::Turn(TurnOp::Extend { place, ticket: feed.array(), by_ms: feed.number() })
        }
        24 => {
            let lead = Lead::Observed { issuer: text(feed) };
            Act::BlockUser { user: user.into(), until_ms: Some(feed.number()), lead }
        }
        _ => Act::Ping,
    };
    (act, matches!(kind, 9 | 10 | 12 | 13 | 17 | 18 | 19 | 25))
}

/// What a server reads: so many bulk strings, of which the first few are keys of one slot.
fn is_well_formed(call: &Call) {
    let mut bytes = Vec::new();
    begin(&mut bytes, call.arguments);
    bytes.extend_from_slice(&call.tail);
    let Ok(Some((Reply::Array(parts), taken))) = read_reply(&bytes) else {
        panic!("a call that is no array")
    };
    assert_eq!(taken, bytes.len(), "more than the arguments");
    let texts: Vec<&[u8]> = parts
        .iter()
        .map(|part| if let Reply::Bulk(bytes) = part { &bytes[..] } else { panic!("no string") })
        .collect();
    let count: usize = std::str::from_utf8(texts[0]).unwrap().parse().expect("the number of keys");
    for key in &texts[1..=count] {
        let key = std::str::from_utf8(key).expect("a key that is text");
        assert_eq!(slot(key), call.slot, "another slot: {key}");
        assert!(key.starts_with("lg:") && key.is_ascii() && !key.contains(char::is_control));
    }
}

fuzz_target!(|data: &[u8]| {
    let mut feed = Feed(data);
    let (act, is_open) = act(&mut feed);
    let has_slot = !matches!(act, Act::ReceiptKey { .. });
    let op = Op { act, horizon_ms: feed.number(), most_lead_ms: feed.number() };
    let plan = encode("lg", &op, true);
    if has_slot {
        is_well_formed(&plan.call);
        match &plan.then {
            Then::Nothing => {}
            Then::Charge(call) | Then::Revoke(call) => is_well_formed(call),
        }
    }
    let reply = feed.rest();
    let Some(verdict) = decode(&plan.call.expects, reply) else { return };
    if is_open {
        return;
    }
    let said = format!("{verdict:?}");
    for cut in (0..reply.len()).rev().take(64) {
        let other = decode(&plan.call.expects, &reply[..cut]);
        // Some faults, and that a family is unknown, are one byte.
        let is_byte = |other: &Answer| {
            matches!(other, Answer::Fault(_) | Answer::Family(FamilyAnswer::Unknown))
        };
        if let Some(other) = other.filter(|other| cut > 1 || !is_byte(other)) {
            assert_eq!(format!("{other:?}"), said, "of {cut} bytes");
        }
    }
});
