//! The bucket of an id: the hash tag of all keys of that id on a server. Data that names no user finds its slot by it
//! as well (docs/layout.md).

/// Slots of a Redis Cluster, and buckets of this package.
pub const BUCKETS: u16 = 16384;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_is_the_check_value_of_the_standard_mod_16384() {
        assert_eq!(bucket("123456789"), 0x31C3);
        assert_eq!(bucket(""), 0);
    }
}
