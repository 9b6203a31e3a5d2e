//! Refresh tokens as text (docs/layout.md), and the successor of one, sealed so that only who holds that one can read
//! it. Hashes and sealed bytes alone leave this file towards a store.

use super::random::random;
use super::verify::{base64url, from_base64url, sha256};
use crate::core::bucket::{BUCKETS, bucket};
use crate::core::error::Fault;
use crate::core::family_op::FamilyId;
use crate::core::key::Digest;
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};

/// Digits of the bucket, letters of the family and of the secret, and two dots.
const BUCKET: usize = 4;
const FAMILY: usize = 22;
const SECRET: usize = 43;
const LENGTH: usize = BUCKET + 1 + FAMILY + 1 + SECRET;
/// What the key of a seal is derived under, and for nothing else.
const PURPOSE: &[u8] = b"latchgate refresh successor";

/// A token. It has no `Debug`: nothing prints it.
pub struct RefreshToken {
    /// The bucket that its user is said to be in.
    pub bucket: u16,
    /// Its family.
    pub family: FamilyId,
    text: String,
}

/// A new family.
///
/// # Errors
/// Where the system gives no randomness.
pub fn new_family() -> Result<FamilyId, Fault> {
    random()
}

impl RefreshToken {
    /// A new token of this family.
    ///
    /// # Errors
    /// Where the system gives no randomness.
    pub fn make(user: &str, family: FamilyId) -> Result<Self, Fault> {
        Ok(Self::of(bucket(user), family, &random()?))
    }

    fn of(bucket: u16, family: FamilyId, secret: &[u8; 32]) -> Self {
        let text = format!("{bucket:04x}.{}.{}", base64url(&family), base64url(secret));
        Self { bucket, family, text }
    }

    /// What a text is. `None`: it can be no token; there is one way of writing each.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        if text.len() != LENGTH || !text.is_ascii() {
            return None;
        }
        let (digits, rest) = text.split_at(BUCKET);
        let (family, secret) = rest.strip_prefix('.')?.split_once('.')?;
        let is_lower = digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let bucket = u16::from_str_radix(digits, 16).ok().filter(|bucket| *bucket < BUCKETS)?;
        let family = from_base64url(family)?.try_into().ok().filter(|_| is_lower)?;
        from_base64url(secret).filter(|secret| secret.len() == 32)?;
        Some(Self { bucket, family, text: text.to_owned() })
    }

    /// The text, to be handed out.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What is kept of it.
    #[must_use]
    pub fn digest(&self) -> Digest {
        sha256(self.text.as_bytes())
    }

    /// Its successor, sealed under it.
    ///
    /// # Errors
    /// Where the system gives no randomness.
    pub fn seal(&self, successor: &Self) -> Result<Vec<u8>, Fault> {
        let refused = || Fault::unavailable("the crypto library could not seal");
        let nonce = random::<NONCE_LEN>()?;
        let mut secret = from_base64url(&successor.text[LENGTH - SECRET..]).ok_or_else(refused)?;
        self.key()
            .and_then(|key| {
                let nonce = Nonce::assume_unique_for_key(nonce);
                key.seal_in_place_append_tag(nonce, Aad::from(self.family), &mut secret).ok()
            })
            .ok_or_else(refused)?;
        Ok([&nonce[..], &secret].concat())
    }

    /// The successor that was sealed under it.
    #[must_use]
    pub fn open(&self, sealed: &[u8]) -> Option<Self> {
        let (nonce, text) = sealed.split_first_chunk::<NONCE_LEN>()?;
        let mut text = text.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let secret = self.key()?.open_in_place(nonce, Aad::from(self.family), &mut text).ok()?;
        let secret: &[u8; 32] = (&*secret).try_into().ok()?;
        Some(Self::of(self.bucket, self.family, secret))
    }

    /// A key that follows from the token alone, and that says nothing of any other (RFC 5869).
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

    #[test]
    fn a_token_says_its_bucket_and_family_and_has_one_way_of_writing() {
        let made = RefreshToken::make("ada", [7; 16]).unwrap();
        assert_eq!(made.text().len(), LENGTH);
        let read = RefreshToken::read(made.text()).unwrap();
        assert_eq!((read.bucket, read.family), (bucket("ada"), [7; 16]));
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
        for tail in ["B", "C", "D"] {
            // Bits that say nothing must be 0.
            let text = format!("{}{tail}", &made.text()[..LENGTH - 1]);
            assert!(RefreshToken::read(&text).is_none());
        }
        assert!(RefreshToken::read(&format!("4000{}", &made.text()[4..])).is_none());
    }

    #[test]
    fn only_the_token_under_which_a_successor_was_sealed_opens_it() {
        let [first, second, third] = [1, 2, 3].map(|_| RefreshToken::make("ada", [7; 16]).unwrap());
        let sealed = first.seal(&second).unwrap();
        assert_eq!(first.open(&sealed).unwrap().text(), second.text());
        for other in [&second, &third, &RefreshToken::make("ada", [8; 16]).unwrap()] {
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
        assert_ne!(first.seal(&second).unwrap(), sealed, "each is sealed anew");
        // What follows the second is closed to who holds the first and all that is kept.
        assert!(first.open(&second.seal(&third).unwrap()).is_none());
    }
}
