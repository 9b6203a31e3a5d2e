//! Refresh tokens as text (docs/layout.md). A MAC covers the serial of a token. The successor of a token is
//! sealed, so that only a holder of that token can read it. Only hashes, serials and sealed bytes leave this
//! file for a store.

use crate::core::base::digest::Digest;
use crate::core::base::error::Fault;
use crate::core::base::hash_slot::{BUCKETS, bucket};
use crate::core::family::ops::{FamilyId, FamilyKey, MAX_NUMBER, Serial};
use crate::tokens::encoding::{base64url, from_base64url, sha256};
use crate::tokens::random::random;
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use aws_lc_rs::{constant_time, hmac};

/// Digits of the bucket, letters of the family and of the body, and two dots.
const BUCKET: usize = 4;
const FAMILY: usize = 22;
const BODY: usize = 80;
const LENGTH: usize = BUCKET + 1 + FAMILY + 1 + BODY;
/// Bytes of the body: branch and number, their MAC, and the secret.
const SERIAL: usize = 12;
const MAC: usize = 16;
const SECRET: usize = 32;
const BYTES: usize = SERIAL + MAC + SECRET;
/// The label for the derivation of sealing keys. No other derivation uses it.
const PURPOSE: &[u8] = b"latchgate refresh successor";
/// The first bytes under a MAC of a serial. No other MAC uses them.
const LABEL: &[u8] = b"latchgate refresh serial";

/// A refresh token. It has no `Debug`, so that it is never printed.
pub struct RefreshToken {
    /// The bucket that the token states for its user.
    pub bucket: u16,
    /// The family of the token.
    pub family: FamilyId,
    body: [u8; BYTES],
    text: String,
}

/// Returns the id of a new family.
///
/// # Errors
/// `ERR_LATCHGATE_STORE_UNAVAILABLE` if the system returns no random bytes.
pub fn new_family() -> Result<FamilyId, Fault> {
    random()
}

/// Returns a branch of a family.
///
/// # Errors
/// `ERR_LATCHGATE_STORE_UNAVAILABLE` if the system returns no random bytes.
pub fn new_branch() -> Result<u64, Fault> {
    random().map(|bytes: [u8; 8]| u64::from_be_bytes(bytes) & MAX_NUMBER)
}

/// Returns a key for a new family.
///
/// # Errors
/// `ERR_LATCHGATE_STORE_UNAVAILABLE` if the system returns no random bytes.
pub fn new_key() -> Result<FamilyKey, Fault> {
    random().map(FamilyKey)
}

/// Returns the first 128 bits of the HMAC-SHA-256 over the bucket, the family, the serial and the secret.
fn mac_of(
    key: &FamilyKey,
    bucket: u16,
    family: &FamilyId,
    serial: &[u8; SERIAL],
    secret: &[u8; SECRET],
) -> [u8; MAC] {
    let key = hmac::Key::new(hmac::HMAC_SHA256, &key.0);
    let said = [LABEL, &bucket.to_be_bytes(), family, serial, secret].concat();
    let mut mac = [0; MAC];
    mac.copy_from_slice(&hmac::sign(&key, &said).as_ref()[..MAC]);
    mac
}

impl RefreshToken {
    /// Creates a token of this family with this serial.
    ///
    /// # Errors
    /// `ERR_LATCHGATE_STORE_UNAVAILABLE` if the system returns no random bytes, or the serial exceeds the
    /// format.
    pub fn make(
        user: &str,
        family: FamilyId,
        key: &FamilyKey,
        Serial { branch, number }: Serial,
    ) -> Result<Self, Fault> {
        if branch.max(number) > MAX_NUMBER {
            return Err(Fault::unavailable("the refresh family has used up its numbers"));
        }
        let mut serial = [0; SERIAL];
        serial[..6].copy_from_slice(&branch.to_be_bytes()[2..]);
        serial[6..].copy_from_slice(&number.to_be_bytes()[2..]);
        let (bucket, secret) = (bucket(user), random()?);
        let mac = mac_of(key, bucket, &family, &serial, &secret);
        let mut body = [0; BYTES];
        body[..SERIAL].copy_from_slice(&serial);
        body[SERIAL..SERIAL + MAC].copy_from_slice(&mac);
        body[SERIAL + MAC..].copy_from_slice(&secret);
        Ok(Self::of(bucket, family, body))
    }

    fn of(bucket: u16, family: FamilyId, body: [u8; BYTES]) -> Self {
        let text = format!("{bucket:04x}.{}.{}", base64url(&family), base64url(&body));
        Self { bucket, family, body, text }
    }

    /// Parses a token. `None`: the text cannot be a token. Each token has exactly one text.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        if text.len() != LENGTH || !text.is_ascii() {
            return None;
        }
        let (digits, rest) = text.split_at(BUCKET);
        let (family, body) = rest.strip_prefix('.')?.split_once('.')?;
        let is_lower = digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let bucket = u16::from_str_radix(digits, 16).ok().filter(|bucket| *bucket < BUCKETS)?;
        let family = from_base64url(family)?.try_into().ok().filter(|_| is_lower)?;
        let body = from_base64url(body)?.try_into().ok()?;
        Some(Self { bucket, family, body, text: text.to_owned() })
    }

    /// Returns the position within the family. It is not trustworthy before `is_authentic`.
    #[must_use]
    pub fn serial(&self) -> Serial {
        let number = |bytes: &[u8]| bytes.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
        Serial { branch: number(&self.body[..6]), number: number(&self.body[6..SERIAL]) }
    }

    /// Whether the token was created with this key of the family: with this serial, for a user of this bucket.
    #[must_use]
    pub fn is_authentic(&self, key: &FamilyKey) -> bool {
        let Some((serial, rest)) = self.body.split_first_chunk::<SERIAL>() else { return false };
        let Some((mac, secret)) = rest.split_first_chunk::<MAC>() else { return false };
        let Ok(secret) = secret.try_into() else { return false };
        let expected = mac_of(key, self.bucket, &self.family, serial, secret);
        constant_time::verify_slices_are_equal(mac, &expected).is_ok()
    }

    /// Returns the text for the client.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the hash that the store keeps.
    #[must_use]
    pub fn digest(&self) -> Digest {
        sha256(self.text.as_bytes())
    }

    /// Seals the successor, so that only this token opens it.
    ///
    /// # Errors
    /// `ERR_LATCHGATE_STORE_UNAVAILABLE` if the system returns no random bytes.
    pub fn seal(&self, successor: &Self) -> Result<Vec<u8>, Fault> {
        let refused = || Fault::unavailable("the crypto library could not seal");
        let nonce = random::<NONCE_LEN>()?;
        let mut body = successor.body.to_vec();
        self.key()
            .and_then(|key| {
                let nonce = Nonce::assume_unique_for_key(nonce);
                key.seal_in_place_append_tag(nonce, Aad::from(self.family), &mut body).ok()
            })
            .ok_or_else(refused)?;
        Ok([&nonce[..], &body].concat())
    }

    /// Returns the successor that was sealed under this token.
    #[must_use]
    pub fn open(&self, sealed: &[u8]) -> Option<Self> {
        let (nonce, text) = sealed.split_first_chunk::<NONCE_LEN>()?;
        let mut text = text.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let body = self.key()?.open_in_place(nonce, Aad::from(self.family), &mut text).ok()?;
        Some(Self::of(self.bucket, self.family, (&*body).try_into().ok()?))
    }

    /// Derives a key from the token alone (RFC 5869). It reveals no part of another key.
    fn key(&self) -> Option<LessSafeKey> {
        let secret = Salt::new(HKDF_SHA256, PURPOSE).extract(self.text.as_bytes());
        let info: [&[u8]; 1] = [&self.family];
        let key = secret.expand(&info, &AES_256_GCM).ok()?;
        Some(LessSafeKey::new(UnboundKey::from(key)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: FamilyKey = FamilyKey([9; 32]);

    fn make(user: &str, family: FamilyId, number: u64) -> RefreshToken {
        RefreshToken::make(user, family, &KEY, Serial { branch: 515, number }).unwrap()
    }

    #[test]
    fn a_token_says_its_bucket_and_family_and_has_one_way_of_writing() {
        let made = make("ada", [7; 16], 258);
        assert_eq!((made.text().len(), LENGTH), (108, 108));
        let read = RefreshToken::read(made.text()).unwrap();
        assert_eq!((read.bucket, read.family), (bucket("ada"), [7; 16]));
        assert_eq!(read.serial(), Serial { branch: 515, number: 258 });
        assert!(read.is_authentic(&KEY));
        assert_eq!(read.digest(), made.digest());
        for at in 0..LENGTH {
            for other in [b'=', b'.', b'+', b' ', 0, b'G'] {
                let mut text = made.text().as_bytes().to_vec();
                if text[at] == other {
                    continue;
                }
                text[at] = other;
                let read = String::from_utf8(text).ok().and_then(|text| RefreshToken::read(&text));
                assert!(read.is_none_or(|read| read.digest() != made.digest()), "{at} {other}");
            }
        }
        let upper = format!("{}{}", &made.text()[..4].to_uppercase(), &made.text()[4..]);
        assert!(upper == made.text() || RefreshToken::read(&upper).is_none());
        for text in ["", ".", "..", &made.text()[1..], "eyJh.eyJz.c2ln", &"x".repeat(1 << 16)] {
            assert!(RefreshToken::read(text).is_none());
        }
        // The form without a number.
        assert!(RefreshToken::read(&made.text()[..71]).is_none());
        assert!(RefreshToken::read(&format!("4000{}", &made.text()[4..])).is_none());
    }

    #[test]
    fn a_token_that_was_changed_anywhere_is_not_authentic() {
        let made = make("ada", [7; 16], 3);
        for bit in 0..BYTES * 8 {
            let mut body = made.body;
            body[bit / 8] ^= 1 << (bit % 8);
            assert!(!RefreshToken::of(made.bucket, made.family, body).is_authentic(&KEY), "{bit}");
        }
        for bit in 0..128 {
            let mut family = made.family;
            family[bit / 8] ^= 1 << (bit % 8);
            assert!(!RefreshToken::of(made.bucket, family, made.body).is_authentic(&KEY), "{bit}");
        }
        assert!(!RefreshToken::of(made.bucket ^ 1, made.family, made.body).is_authentic(&KEY));
        assert!(!made.is_authentic(&FamilyKey([8; 32])));
        // The number of one token with the MAC and the secret of another token.
        let mut pasted = made.body;
        pasted[..SERIAL].copy_from_slice(&make("ada", [7; 16], 2).body[..SERIAL]);
        assert!(!RefreshToken::of(made.bucket, made.family, pasted).is_authentic(&KEY));
    }

    #[test]
    fn numbers_end_where_their_bytes_do_and_the_key_is_not_printed() {
        let last = Serial { branch: MAX_NUMBER, number: MAX_NUMBER };
        assert_eq!(RefreshToken::make("ada", [7; 16], &KEY, last).unwrap().serial(), last);
        assert!(RefreshToken::make("ada", [7; 16], &KEY, last.next()).is_err());
        assert!(new_branch().unwrap() <= MAX_NUMBER);
        assert_eq!(format!("{KEY:?}"), "FamilyKey");
    }

    #[test]
    fn only_the_token_under_which_a_successor_was_sealed_opens_it() {
        let [first, second, third] = [1, 2, 3].map(|number| make("ada", [7; 16], number));
        let sealed = first.seal(&second).unwrap();
        assert_eq!(first.open(&sealed).unwrap().text(), second.text());
        for other in [&second, &third, &make("ada", [8; 16], 1)] {
            assert!(other.open(&sealed).is_none());
        }
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(first.open(&changed).is_none(), "{at}");
        }
        for length in 0..sealed.len() {
            assert!(first.open(&sealed[..length]).is_none());
        }
        assert_ne!(first.seal(&second).unwrap(), sealed, "each seal is different");
        // A holder of the first token and of all stored data cannot read the successor of the second token.
        assert!(first.open(&second.seal(&third).unwrap()).is_none());
    }
}
