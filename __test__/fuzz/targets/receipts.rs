//! Receipts: what is sealed is opened again and says the same, and no text opens that was not sealed with the key.
#![no_main]

use latchgate::core::quota::spend::Refund;
use latchgate::core::quota::state::Charged;
use latchgate::tokens::opaque::receipt::Receipts;
use latchgate_fuzz::Feed;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let receipts = Receipts::new([7; 32]);
    // By chance this happens once in 2^128 inputs.
    let text = String::from_utf8_lossy(data);
    if let Ok(opened) = receipts.open(&text) {
        assert_eq!(receipts.seal(&opened), text, "there are two ways of writing a receipt");
    }

    let mut feed = Feed(data);
    let charged = Charged {
        id: feed.array(),
        born_us: feed.number(),
        void_ms: feed.number(),
        at: feed.number(),
    };
    let (units, memory) = (feed.number(), feed.flag().then(|| feed.array()));
    let (at, bit) = (feed.number(), feed.byte() % 7);
    let key = format!("{}{}", ["b", "w", "g"][usize::from(feed.byte() % 3)], feed.text());
    let refund = Refund {
        user: None,
        lasting: false,
        key: key.into(),
        charged,
        units,
        memory,
        of_request: false,
    };
    let sealed = receipts.seal(&refund);
    match receipts.open(&sealed) {
        Ok(opened) => assert_eq!(format!("{opened:?}"), format!("{refund:?}")),
        // One is no longer than 1 KiB: no key of a quota is that long.
        Err(_) => assert!(sealed.len() > 1024),
    }
    assert!(Receipts::new([8; 32]).open(&sealed).is_err(), "opened with another key");
    let mut bytes = sealed.into_bytes();
    let at = usize::try_from(at % bytes.len() as u64).unwrap_or(0);
    bytes[at] ^= 1 << bit;
    if let Ok(changed) = String::from_utf8(bytes) {
        assert!(receipts.open(&changed).is_err(), "opened although changed");
    }
});
