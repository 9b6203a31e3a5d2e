//! The names of keys: everything of one user under one hash tag (docs/layout.md).

use crate::core::base::hash_slot::bucket;
use std::fmt::Write as _;

/// Digits of an API key's id that are its bucket.
const BUCKET: usize = 4;

/// The keys of one user, or of one quota that lies with no user.
#[derive(Debug)]
pub struct Names {
    /// `<prefix>:{<bucket>}:`
    head: String,
    /// Every byte outside `A-Z a-z 0-9 . _ -` as `%XX`.
    id: String,
}

impl Names {
    /// The names for an id.
    #[must_use]
    pub fn of(prefix: &str, id: &str) -> Self {
        Self::within(prefix, bucket(id), id)
    }

    /// The names for an id that lies in that bucket.
    #[must_use]
    pub fn within(prefix: &str, bucket: u16, id: &str) -> Self {
        let mut head = String::with_capacity(prefix.len() + 10);
        head.push_str(prefix);
        head.push_str(":{");
        push_number(&mut head, bucket);
        head.push_str("}:");
        let mut encoded = String::with_capacity(id.len());
        for byte in id.bytes() {
            if byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-') {
                encoded.push(char::from(byte));
            } else {
                let _ = write!(encoded, "%{byte:02X}");
            }
        }
        Self { head, id: encoded }
    }

    /// The names for an API key: its id begins with its bucket.
    #[must_use]
    pub fn of_api_key(prefix: &str, id: &str) -> Self {
        let bucket = id.get(..BUCKET).and_then(|digits| u16::from_str_radix(digits, 16).ok());
        Self::within(prefix, bucket.unwrap_or(0), id)
    }

    /// `<prefix>:{<bucket>}:<kind>:<name in hexadecimal>`: of something else in the same slot.
    #[must_use]
    pub fn beside(&self, kind: &str, name: &[u8; 16]) -> String {
        format!("{}{kind}:{}", self.head, hex(name))
    }

    /// `<key>:<name in hexadecimal>`: of what belongs to a key.
    #[must_use]
    pub fn of_key(&self, kind: &str, name: &[u8; 16]) -> String {
        format!("{}:{}", self.key(kind), hex(name))
    }

    /// `<prefix>:{<bucket>}:<kind>:<id>`
    #[must_use]
    pub fn key(&self, kind: &str) -> String {
        let Self { head, id } = self;
        let mut key = String::with_capacity(head.len() + kind.len() + 1 + id.len());
        key.push_str(head);
        key.push_str(kind);
        key.push(':');
        key.push_str(id);
        key
    }
}

/// The user whose id is written so in the names of its keys.
pub fn user_of_encoded(id: &[u8]) -> Option<String> {
    let mut bytes = Vec::with_capacity(id.len());
    let mut rest = id;
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let (digits, after) = rest.split_at_checked(2)?;
        bytes.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
        rest = after;
    }
    String::from_utf8(bytes).ok()
}

fn push_number(into: &mut String, number: u16) {
    let mut unit = 10_000;
    while unit > 1 && number < unit {
        unit /= 10;
    }
    while unit > 0 {
        into.push(char::from(b'0' + (number / unit % 10) as u8));
        unit /= 10;
    }
}

fn hex(bytes: &[u8; 16]) -> String {
    format!("{:032x}", u128::from_be_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_is_written_as_a_decimal_number() {
        for number in [0, 7, 10, 99, 100, 16_383] {
            let mut text = String::new();
            push_number(&mut text, number);
            assert_eq!(text, number.to_string());
        }
    }

    #[test]
    fn no_id_can_move_a_slot_or_meet_another_key() {
        let key = |id| Names::of("lg", id).key("u");
        assert_eq!(key("ada"), format!("lg:{{{}}}:u:ada", bucket("ada")));
        assert_eq!(key("a:b{c}*%"), format!("lg:{{{}}}:u:a%3Ab%7Bc%7D%2A%25", bucket("a:b{c}*%")));
        assert_ne!(key("a%3Ab"), key("a:b"));
        for id in ["{x}", "}{", "a\nb", "é", "\0"] {
            let key = key(id);
            assert_eq!(key.matches('{').count(), 1, "{key}");
            assert!(key.bytes().all(|b| b.is_ascii_graphic()), "{key}");
        }
    }

    #[test]
    fn an_id_is_read_back_from_the_names_of_its_keys() {
        for id in ["", "ada", "a:b{c}*%", "a%3Ab", "é\0\n", "🦀"] {
            let key = Names::of("lg", id).key("u");
            let encoded = key.rsplit(':').next().unwrap();
            assert_eq!(user_of_encoded(encoded.as_bytes()).as_deref(), Some(id));
        }
        for foreign in [&b"%"[..], b"%4", b"%xx", b"%FF", b"\xff"] {
            assert_eq!(user_of_encoded(foreign), None);
        }
    }
}
