//! Headers, API keys and refresh tokens as text: each has one way of being written, and what is read says what was written.
#![no_main]

use latchgate::core::api_key::types::KeyName;
use latchgate::core::base::reason::Reason;
use latchgate::core::family::ops::{FamilyKey, Serial};
use latchgate::tokens::encoding::sha256;
use latchgate::tokens::opaque::refresh_token::RefreshToken;
use latchgate::tokens::opaque::{api_key, credential};
use latchgate_fuzz::Feed;
use libfuzzer_sys::fuzz_target;

fn header(text: &str) {
    match credential::bearer(text) {
        Ok(token) => {
            assert!(!token.is_empty() && !token.contains([' ', ',']));
            assert!(text[..6].eq_ignore_ascii_case("bearer") && text[6..] == format!(" {token}"));
        }
        Err(reason) => {
            assert!(matches!(reason, Reason::CredentialsRequired | Reason::HeaderUnreadable));
        }
    }
}

fn key(text: &str, owner: &str) {
    let imported = api_key::import(text.to_owned(), owner);
    let Some((name, digest)) = api_key::read(text) else {
        assert!(imported.is_err(), "imported, and never to be presented");
        return;
    };
    assert_eq!(digest, sha256(text.as_bytes()));
    match &name {
        KeyName::Id(id) => {
            assert!(api_key::is_id(id) && text.contains(&format!("_{id}_")));
            assert!(imported.is_err(), "imported in the form of ours");
        }
        KeyName::Import(hash) => {
            assert_eq!(*hash, digest);
            let imported = imported.ok().expect("what has not our form can be imported");
            assert!(api_key::is_id(&imported.id));
            assert_eq!((&imported.text[..], imported.digest), (text, digest));
            assert_eq!(api_key::of_owner(text, owner), Some((imported.id, digest)));
        }
    }
}

fn refresh(text: &str, other: &[u8]) {
    let Some(token) = RefreshToken::read(text) else { return };
    assert_eq!(token.text(), text, "there are two ways of writing a token");
    assert!(token.open(other).is_none(), "opened what was sealed nowhere");
    let key = FamilyKey([7; 32]);
    assert!(!token.is_authentic(&key), "authentic under a key that nobody has");
    let serial = Serial { branch: 5, number: 2 };
    let next = RefreshToken::make("ada", token.family, &key, serial).ok().expect("randomness");
    assert!(next.is_authentic(&key) && !next.is_authentic(&FamilyKey([8; 32])));
    assert_eq!(next.serial(), serial);
    let sealed = token.seal(&next).ok().expect("a seal");
    // A successor is of the same family and bucket.
    let opened = token.open(&sealed).expect("what was sealed under it");
    assert_eq!((opened.family, opened.bucket), (token.family, token.bucket));
    assert_eq!(opened.text()[5..], next.text()[5..]);
    assert!(next.open(&sealed).is_none(), "opened by the successor itself");
}

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    header(&text);
    key(&text, "ada");
    refresh(&text, data);
    let mut feed = Feed(data);
    let owner = feed.text();
    let made = api_key::create("lg", &owner).ok().expect("randomness");
    let read = api_key::read(&made.text).expect("a key that was made");
    assert_eq!(read, (KeyName::Id(made.id.clone()), made.digest));
    assert_eq!(api_key::of_owner(&made.text, &owner), Some((made.id, made.digest)));
});
