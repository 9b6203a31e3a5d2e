//! Tokens that the key has signed, whatever they say: one is accepted only if serde_json reads the same claims from it, and
//! they meet the rules.
#![no_main]

use aws_lc_rs::hmac;
use latchgate::tokens::encoding::base64url;
use latchgate::tokens::jwt::verify::Verifier;
use latchgate_fuzz::{MAX_AGE_MS, NOW_MS, SECRET, TOLERANCE_MS, verifier};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use std::cell::RefCell;

thread_local! {
    static VERIFIERS: RefCell<[Verifier; 2]> = RefCell::new([verifier(false), verifier(true)]);
}

/// How far ahead of the clock `iat` may lie, beside the tolerance.
const AHEAD_S: f64 = 60.0;
/// One millisecond: claims are doubles, and instants whole milliseconds.
const ROUNDING_S: f64 = 0.001;

fn sign(header: &str, payload: &[u8]) -> String {
    let signed = format!("{}.{}", base64url(header.as_bytes()), base64url(payload));
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET);
    let signature = hmac::sign(&key, signed.as_bytes());
    format!("{signed}.{}", base64url(signature.as_ref()))
}

fn is_id(value: &Value) -> bool {
    value.as_str().is_some_and(|id| !id.is_empty() && !id.chars().any(char::is_control))
}

// The input: a header, a line break, claims; or claims alone.
fuzz_target!(|data: &[u8]| {
    let cut = data.iter().position(|byte| *byte == b'\n').filter(|_| data.first() != Some(&b'{'));
    let (header, payload) = match cut {
        Some(at) => (String::from_utf8_lossy(&data[..at]).into_owned(), &data[at + 1..]),
        None => (r#"{"alg":"HS256","typ":"JWT"}"#.to_owned(), data),
    };
    let text = sign(&header, payload);
    VERIFIERS.with_borrow_mut(|verifiers| {
        let [lax, strict] = verifiers;
        let Ok(token) = lax.verify(&text, NOW_MS) else {
            assert!(strict.verify(&text, NOW_MS).is_err());
            return;
        };
        let claims: Value = serde_json::from_slice(payload).expect("accepted, and no JSON");
        let number = |name: &str| claims[name].as_f64();
        let (now, tolerance) = (NOW_MS as f64 / 1000.0, TOLERANCE_MS as f64 / 1000.0);
        let (exp, iat) = (number("exp").expect("exp"), number("iat").expect("iat"));
        assert!(exp + tolerance + ROUNDING_S > now, "expired: {exp}");
        assert!(iat - ROUNDING_S <= now + tolerance + AHEAD_S, "from the future: {iat}");
        assert!(exp - iat <= MAX_AGE_MS as f64 / 1000.0 + ROUNDING_S, "lives too long");
        assert!(number("nbf").is_none_or(|nbf| nbf - ROUNDING_S <= now + tolerance));
        assert!(is_id(&claims["sub"]) && token.user.ends_with(claims["sub"].as_str().unwrap()));
        for name in ["sid", "jti"] {
            assert!(claims.get(name).is_none_or(is_id), "{name}");
        }
        if let Some(sid) = claims.get("sid").and_then(Value::as_str) {
            assert_eq!(&*token.session, sid);
        }
        let scope = claims.get("scope").or_else(|| claims.get("scp"));
        if let Some(Value::String(scope)) = scope {
            let each: Vec<_> = scope.split(' ').filter(|scope| !scope.is_empty()).collect();
            assert_eq!(token.scopes.iter().map(|scope| &**scope).collect::<Vec<_>>(), each);
        }
        let audience = match &claims["aud"] {
            Value::Array(all) => all.iter().any(|each| each == "api"),
            one => one == "api",
        };
        if strict.verify(&text, NOW_MS).is_ok() {
            assert!(
                audience && claims["iss"] == "https://issuer.test" && claims.get("jti").is_some()
            );
        }
    });
});
