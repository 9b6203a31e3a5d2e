//! Receipts: a charge as a sealed text (docs/layout.md). Only a holder of the store's key can write one. So
//! the store keeps no data for a charge that is never refunded.

use crate::core::base::error::Fault;
use crate::core::base::hash_slot::bucket;
use crate::core::quota::spend::Refund;
use crate::core::quota::state::{Charged, ReceiptId};
use crate::tokens::encoding::{base64url, from_base64url};
use crate::tokens::random::random;
use aws_lc_rs::{constant_time, hmac};
use std::borrow::Cow;

/// Maximum length of a receipt. Genuine receipts are shorter: a key, numbers and their encoding.
const MAX_RECEIPT: usize = 1024;
/// Length of the seal, in bytes.
const SEAL: usize = 16;
/// The first byte: the version of the format.
const FORM: u8 = 2;

/// Seals receipts, and opens them.
pub struct Receipts {
    key: hmac::Key,
    /// The bytes of the key. A store that has lost its key gets it from here.
    bytes: [u8; 32],
}

/// Returns 128 random bits that identify a charge.
///
/// # Errors
/// `ERR_LATCHGATE_STORE_UNAVAILABLE` if the system returns no random bytes.
pub fn receipt_id() -> Result<ReceiptId, Fault> {
    random()
}

/// Returns a key for a store that has none yet.
///
/// # Errors
/// `ERR_LATCHGATE_STORE_UNAVAILABLE` if the system returns no random bytes.
pub fn fresh_key() -> Result<[u8; 32], Fault> {
    random()
}

fn not_ours() -> Fault {
    Fault::input("receipt must be one that quotas.consume() gave on this store")
}

impl Receipts {
    /// Uses the key of a store.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, &bytes), bytes }
    }

    /// Returns the key.
    #[must_use]
    pub const fn key(&self) -> &[u8; 32] {
        &self.bytes
    }

    /// Returns the receipt for a charge of a standalone quota.
    #[must_use]
    pub fn seal(&self, receipt: &Refund<'_>) -> String {
        let Refund { key, charged, units, memory, .. } = receipt;
        let mut bytes = vec![FORM];
        bytes.extend_from_slice(&charged.id);
        for number in [charged.born_us, charged.void_ms, charged.at, *units] {
            bytes.extend_from_slice(&number.to_be_bytes());
        }
        bytes.push(u8::from(memory.is_some()));
        bytes.extend_from_slice(&memory.unwrap_or_default());
        bytes.extend_from_slice(key.as_bytes());
        let text = format!("{:04x}.{}", bucket(&key[1..]), base64url(&bytes));
        let seal = self.seal_of(&text);
        format!("{text}.{}", base64url(&seal))
    }

    /// Returns the content of a receipt.
    ///
    /// # Errors
    /// `ERR_LATCHGATE_INPUT` if the text is not a receipt, or has a foreign seal.
    pub fn open(&self, receipt: &str) -> Result<Refund<'static>, Fault> {
        if receipt.len() > MAX_RECEIPT {
            return Err(not_ours());
        }
        let (text, seal) = receipt.rsplit_once('.').ok_or_else(not_ours)?;
        let seal = from_base64url(seal).ok_or_else(not_ours)?;
        constant_time::verify_slices_are_equal(&seal, &self.seal_of(text))
            .map_err(|_| not_ours())?;
        let (_, body) = text.split_once('.').ok_or_else(not_ours)?;
        let bytes = from_base64url(body).ok_or_else(not_ours)?;
        read(&bytes).ok_or_else(not_ours)
    }

    fn seal_of(&self, text: &str) -> [u8; SEAL] {
        let mut seal = [0; SEAL];
        seal.copy_from_slice(&hmac::sign(&self.key, text.as_bytes()).as_ref()[..SEAL]);
        seal
    }
}

fn read(bytes: &[u8]) -> Option<Refund<'static>> {
    let (form, rest) = bytes.split_first()?;
    let (id, mut rest) = rest.split_first_chunk::<16>()?;
    let mut number = || {
        let (bytes, left) = rest.split_first_chunk::<8>()?;
        rest = left;
        Some(u64::from_be_bytes(*bytes))
    };
    let (born_us, void_ms, at, units) = (number()?, number()?, number()?, number()?);
    let (has_memory, rest) = rest.split_first()?;
    let (memory, key) = rest.split_first_chunk::<16>()?;
    let key =
        String::from_utf8(key.to_vec()).ok().filter(|key| *form == FORM && !key.is_empty())?;
    Some(Refund {
        user: None,
        lasting: false,
        key: Cow::Owned(key),
        charged: Charged { id: *id, born_us, void_ms, at },
        units,
        memory: (*has_memory == 1).then_some(*memory),
        of_request: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refund(memory: Option<[u8; 16]>) -> Refund<'static> {
        Refund {
            user: None,
            lasting: false,
            key: "bdkey\u{e9}.".into(),
            charged: Charged { id: [3; 16], born_us: 17, void_ms: 1 << 47, at: 9 },
            units: (1 << 53) - 1,
            memory,
            of_request: false,
        }
    }

    #[test]
    fn what_is_sealed_is_opened_again() {
        let receipts = Receipts::new([7; 32]);
        for memory in [None, Some([9; 16])] {
            let opened = receipts.open(&receipts.seal(&refund(memory))).unwrap();
            assert_eq!(format!("{opened:?}"), format!("{:?}", refund(memory)));
        }
    }

    #[test]
    fn what_was_changed_anywhere_is_refused() {
        let receipts = Receipts::new([7; 32]);
        let receipt = receipts.seal(&refund(None));
        for at in 0..receipt.len() {
            let mut other = receipt.clone().into_bytes();
            other[at] = if other[at] == b'A' { b'B' } else { b'A' };
            let other = String::from_utf8(other).unwrap();
            // The last letter of base64 has unused bits: strict decoding rejects a change of them too.
            assert!(receipts.open(&other).is_err(), "{at}");
        }
        assert!(Receipts::new([8; 32]).open(&receipt).is_err());
        for bad in ["", ".", "..", "a.b.c", &receipt[..receipt.len() - 1], &format!("{receipt}A")] {
            assert!(receipts.open(bad).is_err());
        }
        assert!(receipts.open(&"x".repeat(1 << 20)).is_err());
    }
}
