//! Published vectors against the signature check alone: Project Wycheproof, the JOSE cookbook (RFC 7520, RFC 8037, RFC 7797)
//! and the appendix of RFC 7515. `LATCHGATE_VECTORS` names the directory that holds them; what is not there is told in
//! one line. Their payloads are no claims of ours, so that each must be refused as a token whatever its signature is worth.

use latchgate::core::base::reason::Reason;
use latchgate::tokens::encoding::{base64url, from_base64url};
use latchgate::tokens::jwt::claims::Rules;
use latchgate::tokens::jwt::verification_keys::{KeyMaterial, KeyOptions, KeySet, KeySource};
use latchgate::tokens::jwt::verify::Verifier;
use serde_json::Value;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Once;

/// Before any payload here that has an `exp` expires.
const NOW_MS: u64 = 1_300_000_000_000;

const DIRECTORIES: [&str; 3] = ["wycheproof", "jose-cookbook", "rfc7515"];

/// How far a vector came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Came {
    /// The key itself is refused.
    Key,
    /// The header, the form or the signature is.
    Refused(Reason),
    /// The signature is the key's.
    Signed,
}

/// A directory of vectors.
fn vectors(name: &str) -> Option<PathBuf> {
    static SAID: Once = Once::new();
    let root = std::env::var_os("LATCHGATE_VECTORS").map(PathBuf::from);
    let path = |name: &str| root.as_ref().map(|root| root.join(name)).filter(|path| path.is_dir());
    SAID.call_once(|| {
        let absent: Vec<_> = DIRECTORIES.into_iter().filter(|name| path(name).is_none()).collect();
        if !absent.is_empty() {
            // Past the test runner, which holds back what is printed.
            let line = format!("LATCHGATE_VECTORS lacks {}: not run\n", absent.join(", "));
            std::io::stderr().write_all(line.as_bytes()).unwrap();
        }
    });
    path(name)
}

fn read(path: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

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

fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value[member].as_str().unwrap_or_else(|| panic!("no {member}"))
}

/// A JWK as a user would configure it: a symmetric one as a secret, of others the public half.
fn source(jwk: &Value) -> KeySource {
    let material = if jwk["kty"] == "oct" {
        KeyMaterial::Secret(from_base64url(text(jwk, "k")).unwrap())
    } else {
        let mut public = jwk.clone();
        public.as_object_mut().unwrap().remove("d");
        KeyMaterial::Jwk(public.to_string())
    };
    KeySource { label: "jwt".into(), material }
}

/// One key, or a set of several. `None`: refused.
fn verifier(key: &Value) -> Option<Verifier> {
    let keys = key["keys"].as_array();
    let is_set = keys.is_some_and(|keys| keys.len() > 1);
    let one = keys.map_or(key, |keys| &keys[0]);
    let options = if is_set {
        let members = keys.unwrap().iter().map(|jwk| KeySource {
            label: "jwt.jwks".into(),
            material: KeyMaterial::Jwk(jwk.to_string()),
        });
        KeyOptions { keys: members.collect(), own: None, is_set, algorithms: None }
    } else {
        // A secret has no place for the `alg` of its JWK but this one.
        let named = one["alg"].as_str().filter(|_| one["kty"] == "oct");
        let algorithms = named.map(|alg| vec![alg.to_string()]);
        KeyOptions { keys: vec![source(one)], own: None, is_set, algorithms }
    };
    KeySet::new(options).ok().map(|keys| Verifier::new(keys, rules()))
}

/// Looks at the signature, and sees that it makes no token of what is none.
fn come(key: &Value, jws: &str) -> Came {
    let Some(mut verifier) = verifier(key) else { return Came::Key };
    let came = match verifier.payload(jws) {
        Ok(payload) => {
            let segment = jws.split('.').nth(1).unwrap();
            assert_eq!(base64url(payload), segment);
            Came::Signed
        }
        Err(reason) => Came::Refused(reason),
    };
    let refusal = verifier.verify(jws, NOW_MS).expect_err("it was accepted as a token");
    match came {
        Came::Signed => {
            let of_payload = [Reason::TokenMalformed, Reason::TokenClaims];
            assert!(of_payload.contains(&refusal), "{refusal:?}");
        }
        _ => assert_eq!(Came::Refused(refusal), came),
    }
    came
}

/// Vectors marked otherwise than RFC 7515 and this crate have it: `Some(true)` must be signed, `Some(false)` must not,
/// `None` contradicts another vector.
type Overrides = &'static [(u64, Option<bool>)];

const SIGNATURES: Overrides = &[
    // Byte for byte the same as 357, which is valid.
    (367, None),
    (370, None),
    // A '?' inside a base64url segment (RFC 7515 §2).
    (372, Some(false)),
    (373, Some(false)),
    // The key is for PS256, the header says PS384 (RFC 7517 §4.4).
    (346, Some(false)),
    (350, Some(false)),
    // ES512 is not offered, and the key's own `alg` is no algorithm.
    (347, Some(false)),
    (351, Some(false)),
];

const KEYS: Overrides = &[
    // Symmetric keys in a key set are refused.
    (2, Some(false)),
    // Keys made by the flawed generator of CVE-2017-15361 are not looked for.
    (7, Some(true)),
];

const MIXED: Overrides = &[
    // As 7 and 2 of the keys.
    (46, Some(true)),
    (48, Some(false)),
];

fn run_wycheproof(file: &str, overrides: Overrides) -> usize {
    let Some(directory) = vectors("wycheproof") else { return 0 };
    let mut wrong = Vec::new();
    let mut ran = 0;
    for group in read(&directory.join(file))["testGroups"].as_array().unwrap() {
        let key = if group["public"].is_null() { &group["private"] } else { &group["public"] };
        for test in group["tests"].as_array().unwrap() {
            // Encrypted ones are another matter, and the JSON form is no text to begin with.
            let Some(jws) = test["jws"].as_str() else { continue };
            let id = test["tcId"].as_u64().unwrap();
            let wanted = match overrides.iter().find(|(known, _)| *known == id) {
                Some((_, None)) => continue,
                Some((_, Some(wanted))) => *wanted,
                None => test["result"] == "valid",
            };
            let came = come(key, jws);
            if (came == Came::Signed) != wanted {
                wrong.push(format!("{id} {}: {came:?}", text(test, "comment")));
            }
            ran += 1;
        }
    }
    assert!(wrong.is_empty(), "{file}: {wrong:#?}");
    ran
}

#[test]
fn wycheproof_signatures_are_told_apart() {
    let ran = run_wycheproof("json_web_signature_test.json", SIGNATURES);
    assert!(ran == 0 || ran > 390, "{ran} ran");
}

#[test]
fn wycheproof_keys_are_told_apart() {
    let ran = run_wycheproof("json_web_key_test.json", KEYS);
    assert!(ran == 0 || ran > 20, "{ran} ran");
}

#[test]
fn wycheproof_signatures_of_the_mixed_file_are_told_apart() {
    let ran = run_wycheproof("json_web_crypto_test.json", MIXED);
    assert!(ran == 0 || ran > 40, "{ran} ran");
}

#[test]
fn an_encrypted_token_is_no_signed_one() {
    let Some(directory) = vectors("wycheproof") else { return };
    let groups = read(&directory.join("json_web_encryption_test.json"));
    for group in groups["testGroups"].as_array().unwrap() {
        for test in group["tests"].as_array().unwrap() {
            let jwe = test["jwe"].as_str().map_or_else(|| test["jwe"].to_string(), Into::into);
            assert_ne!(come(&group["private"], &jwe), Came::Signed, "{}", test["tcId"]);
        }
    }
}

/// A signature with one bit changed is not the key's.
fn one_bit_off(key: &Value, jws: &str) -> Came {
    let (input, signature) = jws.rsplit_once('.').unwrap();
    let mut signature = from_base64url(signature).unwrap();
    let middle = signature.len() / 2;
    signature[middle] ^= 1;
    come(key, &format!("{input}.{}", base64url(&signature)))
}

/// One signature out of the cookbook: which key made it, its header where that is protected, and the whole in the compact form.
fn cookbook(example: &Value) -> Vec<(Value, Value, String)> {
    let listed = |value: &Value| value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
    let keys = listed(&example["input"]["key"]);
    let signings = listed(&example["signing"]);
    assert_eq!(keys.len(), signings.len());
    keys.into_iter()
        .zip(signings)
        .map(|(key, signing)| {
            let jws = format!("{}.{}", text(&signing, "sig-input"), text(&signing, "sig"));
            (key, signing["protected"].clone(), jws)
        })
        .collect()
}

fn examples(folder: &str) -> Vec<(PathBuf, Value)> {
    let Some(directory) = vectors("jose-cookbook") else { return vec![] };
    std::fs::read_dir(directory.join(folder))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .map(|path| (path.clone(), read(&path)))
        .filter(|(_, example)| !example["signing"].is_null())
        .collect()
}

#[test]
fn signatures_of_the_cookbook_verify_and_one_bit_changed_does_not() {
    let (mut signed, mut refused) = (0, 0);
    for (path, example) in [examples("jws"), examples("curve25519")].concat() {
        for (key, protected, jws) in cookbook(&example) {
            let came = come(&key, &jws);
            if protected.is_null() || protected["alg"] == "ES512" {
                // A header that is not signed is no header; and ES512 is not offered.
                assert_ne!(came, Came::Signed, "{}", path.display());
                refused += 1;
            } else {
                assert_eq!(came, Came::Signed, "{}", path.display());
                let off = one_bit_off(&key, &jws);
                assert_eq!(off, Came::Refused(Reason::TokenSignature), "{}", path.display());
                signed += 1;
            }
        }
    }
    assert!((signed, refused) == (0, 0) || (signed, refused) == (8, 3), "{signed} {refused}");
}

#[test]
fn a_detached_payload_is_not_left_out() {
    for (path, example) in examples("jws") {
        let compact = example["output"]["compact"].as_str().unwrap_or_default();
        if compact.contains("..") {
            let came = come(&example["input"]["key"], compact);
            assert_eq!(came, Came::Refused(Reason::TokenSignature), "{}", path.display());
        }
    }
}

#[test]
fn a_payload_that_is_not_encoded_is_refused() {
    for (path, example) in examples("rfc7797") {
        let key = &example["input"]["key"];
        let compact = example["output"]["compact"].as_str().map(Into::into);
        let jws = cookbook(&example).into_iter().map(|(_, _, jws)| jws).chain(compact);
        for jws in jws {
            assert!(matches!(come(key, &jws), Came::Refused(_)), "{}", path.display());
        }
    }
}

#[test]
fn signatures_of_rfc_7515_verify_and_one_bit_changed_does_not() {
    let Some(directory) = vectors("rfc7515") else { return };
    let appendix = read(&directory.join("appendix_a.json"));
    let tests = appendix["tests"].as_array().unwrap();
    let keys: Vec<_> = tests.iter().map(|test| &test["jwk"]).filter(|jwk| !jwk.is_null()).collect();
    for test in tests {
        let jws = text(test, "jws");
        if test["signature"] == "valid" {
            assert_eq!(come(&test["jwk"], jws), Came::Signed);
            let off = one_bit_off(&test["jwk"], jws);
            assert_eq!(off, Came::Refused(Reason::TokenSignature));
        } else {
            // Unsigned: no key stands for it.
            for key in &keys {
                assert_eq!(come(key, jws), Came::Refused(Reason::TokenAlgorithm));
            }
        }
    }
}
