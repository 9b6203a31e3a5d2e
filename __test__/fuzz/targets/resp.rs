//! Replies of a server: fed in pieces they come to what they come to whole, nothing is read of a part, what is read can be
//! written and read again, and what it says of slots, nodes and replicas lies within bounds.
#![no_main]

use latchgate::store::redis::fuzzing::{
    Address, Garbled, Redirect, Reply, epoch, ranges, read_replicas, read_reply, redirect,
};
use latchgate_fuzz::Feed;
use libfuzzer_sys::fuzz_target;

const SLOTS: u16 = 16384;

/// Every reply at the front of the bytes, how many they took, and whether what follows is none.
fn read_all(bytes: &[u8]) -> (Vec<Reply>, usize, Result<(), Garbled>) {
    let (mut replies, mut at) = (Vec::new(), 0);
    loop {
        match read_reply(&bytes[at..]) {
            Ok(Some((reply, taken))) => {
                assert!(taken > 0 && at + taken <= bytes.len());
                replies.push(reply);
                at += taken;
            }
            Ok(None) => return (replies, at, Ok(())),
            Err(garbled) => return (replies, at, Err(garbled)),
        }
    }
}

/// As a link takes them in: what arrived is kept until a reply is whole.
fn read_in_pieces(
    bytes: &[u8],
    mut piece: impl FnMut() -> usize,
) -> (Vec<Reply>, Result<(), Garbled>) {
    let (mut kept, mut replies, mut at) = (Vec::new(), Vec::new(), 0);
    while at < bytes.len() {
        let next = (at + piece().max(1)).min(bytes.len());
        kept.extend_from_slice(&bytes[at..next]);
        at = next;
        let (more, taken, state) = read_all(&kept);
        replies.extend(more);
        kept.drain(..taken);
        if state.is_err() {
            return (replies, state);
        }
    }
    (replies, Ok(()))
}

fn write(into: &mut Vec<u8>, reply: &Reply) {
    match reply {
        Reply::Nil => into.extend_from_slice(b"$-1"),
        Reply::Status(text) => into.extend_from_slice(format!("+{text}").as_bytes()),
        Reply::Error(text) => into.extend_from_slice(format!("-{text}").as_bytes()),
        Reply::Integer(number) => into.extend_from_slice(format!(":{number}").as_bytes()),
        Reply::Bulk(bytes) => {
            into.extend_from_slice(format!("${}\r\n", bytes.len()).as_bytes());
            into.extend_from_slice(bytes);
        }
        Reply::Array(members) => {
            into.extend_from_slice(format!("*{}\r\n", members.len()).as_bytes());
            members.iter().for_each(|member| write(into, member));
            return;
        }
    }
    into.extend_from_slice(b"\r\n");
}

fn look(reply: &Reply) {
    let asked = Address::Tcp("seed".into(), 1);
    for range in ranges(reply, &asked).into_iter().flatten() {
        assert!(range.first <= range.last && range.last < SLOTS, "{range:?}");
    }
    epoch(reply);
    match reply {
        Reply::Error(message) => {
            if let Some(Redirect::Moved { slot, .. }) = redirect(message) {
                assert!(slot < SLOTS);
            }
        }
        Reply::Bulk(bytes) => {
            read_replicas(bytes);
        }
        Reply::Array(members) => members.iter().for_each(look),
        _ => {}
    }
}

fuzz_target!(|data: &[u8]| {
    let mut feed = Feed(data);
    let lengths = feed.array::<4>();
    let bytes = feed.rest();
    let (replies, taken, state) = read_all(bytes);
    let mut turn = 0;
    let pieces = read_in_pieces(bytes, || {
        turn += 1;
        usize::from(lengths[turn % lengths.len()])
    });
    assert_eq!(pieces, (replies, state), "whole and in pieces");
    let (replies, _, _) = read_all(bytes);

    if let Some((first, length)) = read_reply(bytes).ok().flatten() {
        for cut in (0..length).rev().take(64) {
            assert_eq!(read_reply(&bytes[..cut]), Ok(None), "a part of it was read: {first:?}");
        }
    }
    let mut written = Vec::new();
    for reply in &replies {
        look(reply);
        written.clear();
        write(&mut written, reply);
        let again = read_reply(&written).expect("what was written is a reply");
        assert_eq!(
            again.as_ref().map(|(again, taken)| (again, *taken)),
            Some((reply, written.len()))
        );
    }
    assert!(taken == 0 || bytes[..taken].ends_with(b"\r\n"), "a reply ends with its line");
});
