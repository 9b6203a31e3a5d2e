//! Verification against RFC examples and against what an attacker would try on the parts that the
//! corpus of whole tokens does not reach: the cache, ownership of a key, choice by kid.

use latchgate::core::base::reason::Reason;
use latchgate::core::revocation::epoch::Issued;
use latchgate::tokens::encoding::base64url;
use latchgate::tokens::jwt::claims::Rules;
use latchgate::tokens::jwt::crypto::SigningMaterial;
use latchgate::tokens::jwt::issue::{Issuer, Request};
use latchgate::tokens::jwt::verification_keys::{
    KeyMaterial, KeyOptions, KeySet, KeySource, NoKey, Signer,
};
use latchgate::tokens::jwt::verify::Verifier;

const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";
const NOW_MS: u64 = 1_700_000_000_000;

fn rules() -> Rules {
    Rules {
        issuers: vec![],
        audiences: vec![],
        required: vec![],
        user_claim: "sub".into(),
        session_claim: "sid".into(),
        tolerance_ms: 0,
        issuer_lead_ms: None,
        max_age_ms: 86_400_000,
    }
}

fn key_set(own: bool) -> KeySet {
    let source =
        || KeySource { label: "jwt.secret".into(), material: KeyMaterial::Secret(SECRET.to_vec()) };
    KeySet::new(KeyOptions {
        keys: vec![source()],
        own: own.then(source),
        is_set: false,
        algorithms: Some(vec!["HS256".into()]),
    })
    .unwrap()
}

fn issuer() -> Issuer {
    let material = SigningMaterial::Secret(SECRET.to_vec());
    Issuer::new(&material, jsonwebtoken::Algorithm::HS256, None).unwrap()
}

fn issue(rules: &Rules, claims: &str, generation: u64) -> String {
    let request = Request {
        user: "u".into(),
        session: Some("s".into()),
        claims: Some(claims.into()),
        scope: Some("read write".into()),
        ttl_ms: 60_000,
        login: false,
    };
    issuer().issue(&request, generation, rules, NOW_MS).unwrap()
}

#[test]
fn our_own_token_is_read_as_it_was_issued() {
    let mut verifier = Verifier::new(key_set(true), rules());
    let text = issue(&rules(), r#"{"role":"admin"}"#, 42);
    for _ in 0..2 {
        let token = verifier.verify(&text, NOW_MS).unwrap();
        assert_eq!((&*token.user, &*token.session), ("u", "s"));
        assert_eq!(token.issued, Issued::Own { generation: 42 });
        assert!(
            token.has_scopes(&["write".into(), "read".into()]) && !token.has_scopes(&["x".into()])
        );
    }
}

#[test]
fn gen_counts_only_under_the_key_that_we_sign_with() {
    let text = issue(&rules(), "{}", 42);
    let token = Verifier::new(key_set(false), rules()).verify(&text, NOW_MS).unwrap();
    assert_eq!(token.issued, Issued::Foreign { iat_ms: NOW_MS });
}

#[test]
fn a_cached_token_is_judged_by_the_clock_at_every_hit() {
    let mut verifier = Verifier::new(key_set(true), rules());
    let text = issue(&rules(), "{}", 1);
    assert!(verifier.verify(&text, NOW_MS + 59_999).is_ok());
    assert_eq!(verifier.verify(&text, NOW_MS + 60_000).err(), Some(Reason::TokenExpired));
    assert_eq!(verifier.verify(&text, NOW_MS - 61_000).err(), Some(Reason::TokenIssuedInFuture));
    assert!(verifier.verify(&text, NOW_MS).is_ok());
}

#[test]
fn one_letter_changed_anywhere_is_refused_though_the_original_is_cached() {
    let mut verifier = Verifier::new(key_set(true), rules());
    let text = issue(&rules(), "{}", 1);
    assert!(verifier.verify(&text, NOW_MS).is_ok());
    for at in 0..text.len() {
        for other in ['A', 'B', '-', '.', '=', ' ', '\0'] {
            let mut forged: Vec<char> = text.chars().collect();
            if forged[at] == other {
                continue;
            }
            forged[at] = other;
            let forged: String = forged.into_iter().collect();
            assert!(verifier.verify(&forged, NOW_MS).is_err(), "{at} {other:?}");
        }
    }
    assert!(verifier.verify(&text, NOW_MS).is_ok());
}

#[test]
fn a_header_seen_before_does_not_lend_its_key_to_another_header() {
    let mut verifier = Verifier::new(key_set(true), rules());
    let text = issue(&rules(), "{}", 1);
    assert!(verifier.verify(&text, NOW_MS).is_ok());
    let rest = text.split_once('.').unwrap().1;
    for header in
        [r#"{"alg":"none"}"#, r#"{"alg":"HS384"}"#, r#"{"alg":"HS256","crit":["x"],"x":1}"#]
    {
        let forged = format!("{}.{rest}", base64url(header.as_bytes()));
        assert!(verifier.verify(&forged, NOW_MS).is_err(), "{header}");
    }
}

#[test]
fn a_token_longer_than_the_cap_is_refused_unread() {
    let mut verifier = Verifier::new(key_set(true), rules());
    let text = "a.".repeat(5_000);
    assert_eq!(verifier.verify(&text, NOW_MS).err(), Some(Reason::TokenTooLarge));
}

#[test]
fn issue_refuses_what_our_own_verifier_would() {
    let request = |claims: &str, ttl_ms| Request {
        user: "u".into(),
        session: None,
        claims: Some(claims.into()),
        scope: None,
        ttl_ms,
        login: false,
    };
    let big = format!(r#"{{"x":"{}"}}"#, "y".repeat(9_000));
    let cases = [
        request(r#"{"exp":1}"#, 1_000),
        request(r#"{"a":"\ud800"}"#, 1_000),
        request("[]", 1_000),
        request("{}", 86_401_000),
        request(&big, 1_000),
    ];
    for case in cases {
        assert!(issuer().issue(&case, 1, &rules(), NOW_MS).is_err());
    }
}

#[test]
fn keys_that_contradict_themselves_are_refused_by_name() {
    let options = |material, algorithms: &[&str]| {
        KeySet::new(KeyOptions {
            keys: vec![KeySource { label: "jwt.secret".into(), material }],
            own: None,
            is_set: false,
            algorithms: (!algorithms.is_empty())
                .then(|| algorithms.iter().map(ToString::to_string).collect()),
        })
    };
    let secret = |text: &str| KeyMaterial::Secret(text.as_bytes().to_vec());
    let long = "x".repeat(32);
    for (material, algorithms, word) in [
        (secret(""), &[][..], "0 bytes"),
        (secret("short"), &[], "5 bytes"),
        (secret(&long), &["HS512"], "HS512"),
        (secret(&long), &["none"], "none"),
        (secret(&long), &["hs256"], "hs256"),
        (secret(&long), &["HS256", "RS256"], "mixes"),
        (secret("-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOC"), &[], "PEM"),
        (secret(r#"{"kty":"RSA","n":"AAAAAAAAAAAAAAAAAAAAAA","e":"AQAB"}"#), &[], "JSON Web Key"),
        (KeyMaterial::Jwk(r#"{"kty":"oct","k":"AAAA"}"#.into()), &[], "symmetric"),
        (KeyMaterial::Jwk(r#"{"kty":"RSA","n":"AQAB","e":"AQAB"}"#.into()), &[], "bits"),
        (
            KeyMaterial::Jwk(r#"{"kty":"EC","crv":"P-256","x":"AAAA","y":"AAAA"}"#.into()),
            &[],
            "point",
        ),
        (KeyMaterial::Jwk(r#"{"kty":"OKP","crv":"Ed448","x":"AAAA"}"#.into()), &[], "no key"),
    ] {
        let message = options(material, algorithms).err().map(|fault| fault.to_string());
        let message = message.unwrap_or_else(|| panic!("accepted: {word}"));
        assert!(message.starts_with("ERR_LATCHGATE_CONFIG") && message.contains(word), "{message}");
    }
}

/// Public keys on Ed25519, of RFC 8037 A.2 and RFC 8032 7.1, tests 2 and 3.
const POINTS: [&str; 3] = [
    "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
    "PUAXw-hDiVqStwqnTRt-vJyYLM8uxJaMwM1V8Sr0Zgw",
    "_FHNjmIYoaONpH7QAjDwWAgW7RO6MwOsXeuRFUiQgCU",
];

fn edwards(kid: &str, point: usize) -> KeySource {
    let jwk = format!(r#"{{"kty":"OKP","crv":"Ed25519","kid":"{kid}","x":"{}"}}"#, POINTS[point]);
    KeySource { label: kid.into(), material: KeyMaterial::Jwk(jwk) }
}

#[test]
fn a_set_that_is_fetched_doubts_what_it_has_not_until_it_is_there() {
    let mut set = KeySet::to_be_fetched(None, None).unwrap();
    assert_eq!(set.choose("EdDSA", Some("a")), Err(NoKey::Unknown));
    assert_eq!(set.choose("EdDSA", None), Err(NoKey::Unknown));
    for never in ["HS256", "none", "EdDSa"] {
        assert_eq!(set.choose(never, Some("a")), Err(NoKey::Algorithm), "{never}");
    }
    let fetched = set.renew(&[edwards("a", 0)]).unwrap();
    assert_eq!((fetched.usable, fetched.passed_over.len()), (1, 0));
    assert!(set.choose("EdDSA", Some("a")).is_ok() && set.choose("EdDSA", None).is_ok());
    assert_eq!(set.choose("EdDSA", Some("b")), Err(NoKey::Key));
    assert_eq!(set.choose("ES256", Some("a")), Err(NoKey::Algorithm));
    set.doubt(true);
    assert!(set.choose("EdDSA", Some("a")).is_ok() && set.choose("EdDSA", None).is_ok());
    assert_eq!(set.choose("EdDSA", Some("b")), Err(NoKey::Unknown));
    assert_eq!(set.choose("ES256", Some("a")), Err(NoKey::Algorithm));
    set.forget();
    assert_eq!(set.choose("EdDSA", Some("a")), Err(NoKey::Unknown));
}

#[test]
fn a_fetched_set_stays_where_no_key_of_an_answer_is_usable_and_loses_what_a_usable_answer_lacks() {
    let torn = || KeySource { label: "torn".into(), material: KeyMaterial::Jwk("{}".into()) };
    for own in [None, Some(edwards("own", 2))] {
        let is_own = own.is_some();
        let mut set = KeySet::to_be_fetched(own, None).unwrap();
        assert_eq!(set.renew(&[edwards("a", 0), edwards("b", 1)]).unwrap().usable, 2);
        let chosen = ["a", "b", "own"].map(|kid| set.choose("EdDSA", Some(kid)));
        for unusable in [vec![], vec![torn()]] {
            let fetched = set.renew(&unusable).unwrap();
            assert_eq!((fetched.usable, fetched.passed_over.len()), (0, unusable.len()));
            // The same places: what was chosen before still means the same key.
            let after = ["a", "b", "own"].map(|kid| set.choose("EdDSA", Some(kid)));
            assert_eq!(after[..2], chosen[..2]);
            assert_eq!(after[2].is_ok(), is_own);
            assert_eq!(set.choose("EdDSA", Some("c")), Err(NoKey::Unknown));
        }
        assert_eq!(set.renew(&[edwards("b", 1)]).unwrap().usable, 1);
        assert_eq!(set.choose("EdDSA", Some("a")), Err(NoKey::Key));
        set.forget();
        assert_eq!(set.choose("EdDSA", Some("b")), Err(NoKey::Unknown));
        let kept = set.choose("EdDSA", Some("own"));
        assert_eq!(kept.is_ok_and(|choice| set.signer(choice) == Signer::Own), is_own);
    }
}

#[test]
fn a_key_that_no_allowed_algorithm_fits_is_not_usable() {
    let allowed = ["RS256".to_owned()];
    let mut set = KeySet::to_be_fetched(None, Some(&allowed)).unwrap();
    assert_eq!(set.renew(&[edwards("a", 0)]).unwrap().usable, 0);
}

#[test]
fn our_own_key_stays_in_a_set_that_is_fetched_and_nobody_takes_its_place() {
    let mut set = KeySet::to_be_fetched(Some(edwards("own", 0)), None).unwrap();
    let own = set.choose("EdDSA", Some("own")).unwrap();
    assert!(set.signer(own) == Signer::Own);
    assert_eq!(set.choose("EdDSA", None), Err(NoKey::Unknown), "it may be another's");
    for _ in 0..2 {
        let keys = [edwards("a", 1), edwards("own", 2), edwards("own", 0), edwards("b", 0)];
        let fetched = set.renew(&keys).unwrap();
        assert_eq!((fetched.usable, fetched.passed_over.len()), (2, 1));
        assert!(
            set.choose("EdDSA", Some("own")).is_ok_and(|choice| set.signer(choice) == Signer::Own)
        );
        for other in ["a", "b"] {
            assert!(
                set.choose("EdDSA", Some(other))
                    .is_ok_and(|choice| set.signer(choice) != Signer::Own)
            );
        }
    }
}

#[test]
fn what_a_retired_key_has_verified_is_forgotten() {
    // RFC 8037 A.4, signed with the key of A.2; its payload is no set of claims.
    const TEXT: &str = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0Jz\
        lnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
    let mut verifier = Verifier::new(KeySet::to_be_fetched(None, None).unwrap(), rules());
    assert_eq!(verifier.payload(TEXT), Err(Reason::KeysUnavailable));
    verifier.renew_keys(&[edwards("a", 0)]).unwrap();
    assert!(verifier.payload(TEXT).is_ok());
    verifier.renew_keys(&[]).unwrap();
    assert!(verifier.payload(TEXT).is_ok());
    verifier.renew_keys(&[edwards("b", 1)]).unwrap();
    assert_eq!(verifier.payload(TEXT), Err(Reason::TokenSignature));
    verifier.forget_keys();
    assert_eq!(verifier.payload(TEXT), Err(Reason::KeysUnavailable));
}
