//! Numbers as the scripts pack them: unsigned, big-endian, of so many bytes.

/// What stands for never, or unknown, among six bytes: 2^48 - 1.
pub const NEVER: u64 = (1 << 48) - 1;

/// The last instant that is told apart from never, in the year 6429.
pub const FAR: u64 = NEVER / 2;

/// Returns the number of a reply that is one byte.
pub fn status(reply: &[u8]) -> Option<u64> {
    match reply {
        [status] => Some(u64::from(*status)),
        _ => None,
    }
}

/// Returns the first byte of a reply. `None`: the reply is empty.
pub fn first(reply: &[u8]) -> Option<u64> {
    reply.first().map(|byte| u64::from(*byte))
}

/// Writes numbers.
pub struct Packer(pub Vec<u8>);

impl Default for Packer {
    /// With room for those of a decision.
    fn default() -> Self {
        Self(Vec::with_capacity(96))
    }
}

impl Packer {
    /// Appends a number of `width` bytes; a larger one becomes the largest that fits.
    #[must_use]
    pub fn put(mut self, width: usize, number: u64) -> Self {
        let most = if width >= 8 { u64::MAX } else { (1 << (8 * width)) - 1 };
        let bytes = number.min(most).to_be_bytes();
        self.0.extend_from_slice(&bytes[8 - width..]);
        self
    }

    /// Appends bytes.
    #[must_use]
    pub fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    /// Appends one byte, 0 or 1.
    #[must_use]
    pub fn flag(self, flag: bool) -> Self {
        self.put(1, u64::from(flag))
    }

    /// An instant or a duration: so far below `NEVER` that the scripts may add to it.
    #[must_use]
    pub fn ms(self, ms: u64) -> Self {
        self.put(6, ms.min(FAR))
    }
}

/// Reads numbers.
pub struct Unpacker<'a>(pub &'a [u8]);

impl<'a> Unpacker<'a> {
    /// The next number of `width` bytes.
    pub fn take(&mut self, width: usize) -> Option<u64> {
        let bytes = self.bytes(width)?;
        Some(bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    /// The next `length` bytes.
    pub fn bytes(&mut self, length: usize) -> Option<&'a [u8]> {
        let (head, tail) = self.0.split_at_checked(length)?;
        self.0 = tail;
        Some(head)
    }

    /// A text whose length stands before it in `width` bytes.
    pub fn text(&mut self, width: usize) -> Option<String> {
        let length = usize::try_from(self.take(width)?).ok()?;
        String::from_utf8(self.bytes(length)?.to_vec()).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_is_unpacked_and_what_is_too_large_is_capped() {
        let packed = Packer::default().put(1, 300).put(7, 1 << 53).ms(u64::MAX).flag(true).0;
        let mut unpacker = Unpacker(&packed);
        assert_eq!(unpacker.take(1), Some(255));
        assert_eq!(unpacker.take(7), Some(1 << 53));
        assert_eq!(unpacker.take(6), Some(FAR));
        assert_eq!((unpacker.take(1), unpacker.take(1)), (Some(1), None));
    }
}
