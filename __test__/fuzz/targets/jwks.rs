//! Keys that an issuer publishes: what is taken is a public key of a kind and size that is offered.
#![no_main]

use latchgate::core::base::error::FaultCode;
use latchgate::tokens::encoding::from_base64url;
use latchgate::tokens::jwt::verification_keys::{KeyMaterial, KeyOptions, KeySet, KeySource};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|text: &str| {
    let source = || KeySource { label: "jwks".into(), material: KeyMaterial::Jwk(text.to_owned()) };
    let options = KeyOptions { keys: vec![source()], own: None, is_set: true, algorithms: None };
    match KeySet::new(options) {
        Err(fault) => assert_eq!(fault.code, FaultCode::Config),
        Ok(mut set) => {
            let jwk: Value = serde_json::from_str(text).expect("a key that is no JSON");
            assert!(jwk.get("d").is_none_or(Value::is_null), "a private key");
            match jwk["kty"].as_str() {
                Some("RSA") => {
                    let n = jwk["n"].as_str().and_then(from_base64url).expect("a modulus");
                    assert!(n.len() >= 256, "an RSA key of {} bytes", n.len());
                }
                Some("EC") => assert!(matches!(jwk["crv"].as_str(), Some("P-256" | "P-384"))),
                Some("OKP") => assert_eq!(jwk["crv"].as_str(), Some("Ed25519")),
                other => panic!("a key of type {other:?}"),
            }
            assert!(!matches!(jwk["use"].as_str(), Some("enc")), "a key for encryption");
            // The same set is taken again, whole.
            let renewed = set.renew(&[source()]).map(|fetched| fetched.usable);
            assert_eq!(renewed.ok(), Some(1));
        }
    }
});
