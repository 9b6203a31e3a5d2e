//! The names of keys: everything of one user under one hash tag (docs/layout.md).

use std::fmt::Write as _;

/// Slots of a Redis Cluster, and buckets of ours.
const BUCKETS: u16 = 16384;

const CRC16: [u16; 256] = {
    let mut table = [0_u16; 256];
    let mut at = 0;
    while at < 256 {
        #[allow(clippy::cast_possible_truncation)]
        let mut crc = (at as u16) << 8;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 };
            bit += 1;
        }
        table[at] = crc;
        at += 1;
    }
    table
};

/// The bucket of an id: CRC16 (XMODEM) mod 16384.
#[must_use]
pub fn bucket(id: &str) -> u16 {
    let crc = id
        .bytes()
        .fold(0_u16, |crc, byte| (crc << 8) ^ CRC16[usize::from((crc >> 8) as u8 ^ byte)]);
    crc % BUCKETS
}

/// The keys of one user, or of one quota that lies with no user.
#[derive(Debug)]
pub struct Names<'a> {
    prefix: &'a str,
    id: &'a str,
    bucket: u16,
}

impl<'a> Names<'a> {
    /// The names for an id.
    #[must_use]
    pub fn of(prefix: &'a str, id: &'a str) -> Self {
        Self { prefix, id, bucket: bucket(id) }
    }

    /// `<key>:<name in hexadecimal>`: of what belongs to a key.
    #[must_use]
    pub fn of_key(&self, kind: &str, name: &[u8; 16]) -> String {
        format!("{}:{}", self.key(kind), hex(name))
    }

    /// `<prefix>:{<bucket>}:<kind>:<id>`, every byte of the id outside `A-Z a-z 0-9 . _ -` as `%XX`.
    #[must_use]
    pub fn key(&self, kind: &str) -> String {
        let mut key = String::with_capacity(self.prefix.len() + kind.len() + self.id.len() + 12);
        let _ = write!(key, "{}:{{{}}}:{kind}:", self.prefix, self.bucket);
        for byte in self.id.bytes() {
            if byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-') {
                key.push(char::from(byte));
            } else {
                let _ = write!(key, "%{byte:02X}");
            }
        }
        key
    }
}

fn hex(bytes: &[u8; 16]) -> String {
    format!("{:032x}", u128::from_be_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_is_the_check_value_of_the_standard_mod_16384() {
        assert_eq!(bucket("123456789"), 0x31C3);
        assert_eq!(bucket(""), 0);
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
}
