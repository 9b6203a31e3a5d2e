//! Packed numbers: what is written is read again, capped where it is too large, and nothing is read beyond the end.
#![no_main]

use latchgate::store::redis::fuzzing::{FAR, Packer, Unpacker};
use latchgate_fuzz::Feed;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut feed = Feed(data);
    let (mut packer, mut expected) = (Packer::default(), Vec::new());
    while !feed.0.is_empty() && expected.len() < 64 {
        let kind = feed.byte();
        let number = feed.number();
        let width = usize::from(kind % 8) + 1;
        if kind >= 128 {
            packer = packer.ms(number);
            expected.push((6, number.min(FAR)));
        } else {
            packer = packer.put(width, number);
            let most = if width == 8 { u64::MAX } else { (1 << (8 * width)) - 1 };
            expected.push((width, number.min(most)));
        }
    }
    let mut unpacker = Unpacker(&packer.0);
    for (width, number) in &expected {
        assert_eq!(unpacker.take(*width), Some(*number));
    }
    assert_eq!((unpacker.0.len(), unpacker.take(1)), (0, None));

    let mut feed = Feed(data);
    let width = usize::from(feed.byte() % 8) + 1;
    let mut from = Unpacker(feed.0);
    let before = from.0;
    if let Some(text) = from.text(width) {
        let length = before.len() - from.0.len();
        assert_eq!((text.len() + width, text.as_bytes()), (length, &before[width..length]));
    }
});
