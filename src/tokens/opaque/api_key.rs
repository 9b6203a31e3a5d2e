//! API keys as text: created here, or imported from another system. Only ids and hashes leave this file for a
//! store (docs/layout.md).

use crate::core::api_key::types::KeyName;
use crate::core::base::digest::Digest;
use crate::core::base::error::Fault;
use crate::core::base::hash_slot::{BUCKETS, bucket};
use crate::core::base::limits::KEY_ID_LENGTH;
use crate::tokens::encoding::{base64url, sha256};
use crate::tokens::random::random;
use std::fmt::Write as _;

/// Maximum length of a key, in bytes.
pub const MAX_KEY: usize = 512;
/// Minimum length of an imported key.
const MIN_IMPORT: usize = 16;
/// Digits of an id: four of the bucket, sixteen random digits or digits of a hash.
const ID: usize = KEY_ID_LENGTH;
/// 256 bits as base64url.
const SECRET: usize = 43;
/// Number of characters of the id that can be shown.
const SHOWN: usize = 8;
/// Number of characters of an imported key that can be shown.
const SHOWN_IMPORT: usize = 4;

/// A key that was just created.
pub struct Made {
    /// The text. It is returned once and not stored.
    pub text: String,
    /// The id of the key.
    pub id: String,
    /// The SHA-256 of the text.
    pub digest: Digest,
    /// The part of the key that can be shown.
    pub start: String,
}

/// Returns an id for a new key of this owner.
fn new_id(owner: &str, bytes: &[u8]) -> String {
    let mut id = format!("{:04x}", bucket(owner));
    for byte in bytes {
        let _ = write!(id, "{byte:02x}");
    }
    id
}

/// Whether a text is the id of a key.
#[must_use]
pub fn is_id(text: &str) -> bool {
    text.len() == ID
        && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        && u16::from_str_radix(&text[..4], 16).is_ok_and(|bucket| bucket < BUCKETS)
}

/// Creates a secret for the key with that id.
///
/// # Errors
/// `ERR_LATCHGATE_STORE_UNAVAILABLE` if the system returns no random bytes.
pub fn make(prefix: &str, id: String) -> Result<Made, Fault> {
    let text = format!("{prefix}_{id}_{}", base64url(&random::<32>()?));
    let start = text[..prefix.len() + 1 + SHOWN].to_owned();
    Ok(Made { digest: sha256(text.as_bytes()), text, id, start })
}

/// Creates a key for this owner.
///
/// # Errors
/// `ERR_LATCHGATE_STORE_UNAVAILABLE` if the system returns no random bytes.
pub fn create(prefix: &str, owner: &str) -> Result<Made, Fault> {
    make(prefix, new_id(owner, &random::<8>()?))
}

/// A comma would join two keys to one header value.
const fn may_be_in_key(byte: u8) -> bool {
    byte.is_ascii_graphic() && byte != b','
}

/// Reads a key of another system.
///
/// # Errors
/// `ERR_LATCHGATE_INPUT` if the key is ambiguous in a header, or has the form of a key that is created here.
pub fn import(text: String, owner: &str) -> Result<Made, Fault> {
    let fits = (MIN_IMPORT..=MAX_KEY).contains(&text.len());
    if !fits || !text.bytes().all(may_be_in_key) {
        return Err(Fault::input(format!(
            "key must have {MIN_IMPORT} to {MAX_KEY} printable ASCII characters without spaces and commas"
        )));
    }
    if own_id(&text).is_some() {
        return Err(Fault::input("key has the form of the keys that are made here: leave it out"));
    }
    let digest = sha256(text.as_bytes());
    let start = text[..SHOWN_IMPORT].to_owned();
    Ok(Made { id: new_id(owner, &digest[..8]), digest, start, text })
}

/// Returns the id in `<prefix>_<id>_<secret>`. The prefix is not checked: the hash covers it.
fn own_id(text: &str) -> Option<&str> {
    let head = text.len().checked_sub(SECRET).filter(|at| text.is_char_boundary(*at))?;
    let (head, secret) = text.split_at(head);
    let is_secret = secret.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    let head = head.strip_suffix('_').filter(|_| is_secret)?;
    let at = head.len().checked_sub(ID).filter(|at| head.is_char_boundary(*at))?;
    let (prefix, id) = head.split_at(at);
    (prefix.len() > 1 && prefix.ends_with('_') && is_id(id)).then_some(id)
}

/// Returns the name and the hash of a presented key. The name leads to its owner. `None`: the text cannot be a
/// key.
#[must_use]
pub fn read(text: &str) -> Option<(KeyName, Digest)> {
    if !(MIN_IMPORT..=MAX_KEY).contains(&text.len()) || !text.bytes().all(may_be_in_key) {
        return None;
    }
    let digest = sha256(text.as_bytes());
    let name = match own_id(text) {
        Some(id) => KeyName::Id(id.to_owned()),
        None => KeyName::Import(digest),
    };
    Some((name, digest))
}

/// Returns the id and the hash of a presented key if it can belong to this owner. The id of an imported key
/// depends on both.
#[must_use]
pub fn of_owner(text: &str, owner: &str) -> Option<(String, Digest)> {
    let (name, digest) = read(text)?;
    let id = match name {
        KeyName::Id(id) => Some(id).filter(|id| id[..4] == *format!("{:04x}", bucket(owner)))?,
        KeyName::Import(_) => new_id(owner, &digest[..8]),
    };
    Some((id, digest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_says_its_id_and_nothing_else_has_its_hash() {
        let made = create("my_app", "ada").unwrap();
        assert_eq!(made.text.len(), "my_app".len() + 1 + ID + 1 + SECRET);
        assert!(made.id.starts_with(&format!("{:04x}", bucket("ada"))));
        assert_eq!(made.start, format!("my_app_{}", &made.id[..8]));
        let (name, digest) = read(&made.text).unwrap();
        assert_eq!((name, digest), (KeyName::Id(made.id.clone()), made.digest));
        let other = made.text.replacen("my_app", "my-app", 1);
        let (name, digest) = read(&other).unwrap();
        assert_eq!(name, KeyName::Id(made.id));
        assert_ne!(digest, made.digest, "the prefix is a part of the key");
    }

    #[test]
    fn a_text_without_an_own_id_is_an_import_or_no_key() {
        let long = "x".repeat(MAX_KEY + 1);
        for text in [
            "",
            "*",
            "{}",
            "a\nb45678901234567",
            "äöüäöüäöüäöüäöü",
            "a b45678901234567",
            "a,b45678901234567",
            &long,
        ] {
            assert!(read(text).is_none(), "{text}");
        }
        let made = create("lg", "ada").unwrap().text;
        let upper = made.replace(&made[3..23], &made[3..23].to_uppercase().replace('0', "G"));
        for text in ["0123456789abcdef", &made[1..made.len() - 1], &upper, &made[2..]] {
            assert!(matches!(read(text), Some((KeyName::Import(_), _))), "{text}");
        }
    }

    #[test]
    fn an_imported_key_has_an_id_from_its_hash_and_must_be_tellable_in_a_header() {
        let imported = import("sk_live_0123456789".into(), "ada").unwrap();
        assert_eq!(imported.start, "sk_l");
        assert!(is_id(&imported.id));
        assert_eq!(import("sk_live_0123456789".into(), "ada").unwrap().id, imported.id);
        for text in
            ["short", "with,comma,0123456789", "with space 0123456789", "ümlaut-0123456789abc"]
        {
            assert!(import(text.into(), "ada").is_err(), "{text}");
        }
        assert!(import(create("lg", "ada").unwrap().text, "ada").is_err());
    }
}
