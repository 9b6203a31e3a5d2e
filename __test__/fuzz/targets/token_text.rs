//! Tokens as a stranger writes them: one is accepted only if it has three canonical segments, a header that names the
//! algorithm of the key, and the HMAC of the key over what is signed.
#![no_main]

use aws_lc_rs::hmac;
use latchgate::tokens::encoding::{base64url, from_base64url};
use latchgate::tokens::jwt::verify::Verifier;
use latchgate_fuzz::{NOW_MS, SECRET, verifier};
use libfuzzer_sys::fuzz_target;
use std::cell::RefCell;

thread_local! {
    static VERIFIERS: RefCell<[Verifier; 2]> = RefCell::new([verifier(false), verifier(true)]);
}

/// What makes a token genuine, told again in another way.
fn is_genuine(text: &str) -> bool {
    let parts: Vec<&str> = text.split('.').collect();
    let [header, payload, signature] = parts[..] else { return false };
    let canonical = |part: &str| from_base64url(part).filter(|bytes| base64url(bytes) == part);
    let (Some(header_bytes), Some(_), Some(signature)) =
        (canonical(header), canonical(payload), canonical(signature))
    else {
        return false;
    };
    let json: Result<serde_json::Value, _> = serde_json::from_slice(&header_bytes);
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET);
    let signed = format!("{header}.{payload}");
    json.is_ok_and(|json| json["alg"] == "HS256" && json.get("crit").is_none())
        && hmac::verify(&key, signed.as_bytes(), &signature).is_ok()
}

fuzz_target!(|text: &str| {
    VERIFIERS.with_borrow_mut(|verifiers| {
        let [lax, strict] = verifiers;
        for at in [NOW_MS, 0, u64::MAX] {
            let accepted = lax.verify(text, at);
            if accepted.is_ok() {
                assert!(is_genuine(text), "accepted, and not genuine");
            }
            // From memory as from the text.
            let again = lax.verify(text, at);
            assert_eq!(
                accepted.as_ref().map(|token| token.key.clone()),
                again.as_ref().map(|token| token.key.clone())
            );
            // Rules only refuse more.
            assert!(strict.verify(text, at).is_err() || accepted.is_ok());
            // Whatever is accepted can be revoked.
            let known = lax.identify(text);
            if let Ok(token) = accepted {
                let known = known.as_ref().expect("accepted, and not to be revoked");
                assert_eq!((&known.user, &known.key), (&token.user, &token.key));
            }
            assert!(known.is_err() || is_genuine(text), "told whose it is, and not genuine");
        }
    });
});
