//! The names of imported keys as calls of scripts, and what those answer. A name lies in the bucket of the hash that it is.

use super::call::{Call, Expects, KeyExpects, call};
use super::key_names::Names;
use super::layout::{IndexUpdateArguments, KeyChangedReply};
use super::numbers::{CHANGE_BEGINS, CHANGE_CREATED, CHANGE_DONE, CHANGE_ENDED, KEPT};
use super::pack::{FAR, NEVER, Unpacker};
use crate::core::api_key::ops::{IndexUpdate, KeyChange};
use crate::core::api_key::types::KeyPlace;
use crate::core::base::digest::Digest;
use crate::core::base::limits::KEY_ID_LENGTH;
use std::fmt::Write as _;

/// Writes a call about API keys.
pub(crate) fn ask(keys: &[String], arguments: &[&[u8]], expects: KeyExpects) -> Call {
    call(keys, arguments, Expects::ApiKey(expects))
}

fn pointer(prefix: &str, digest: &Digest) -> String {
    let mut hex = String::with_capacity(64);
    for byte in digest {
        let _ = write!(hex, "{byte:02x}");
    }
    Names::of(prefix, &hex).key("imp")
}

/// As a pointer holds it: the id has a fixed length.
fn place_text(place: &KeyPlace) -> String {
    format!("{}{}", place.id, place.owner)
}

/// Reads where a key lies: a pointer's text, or the owner of a key whose id is known.
pub fn place(bytes: &[u8], id: Option<&str>) -> Option<KeyPlace> {
    let text = std::str::from_utf8(bytes).ok()?;
    let (id, owner) = match id {
        Some(id) => (id, text),
        None => text.split_at_checked(KEY_ID_LENGTH)?,
    };
    Some(KeyPlace { id: id.to_owned(), owner: owner.to_owned() })
}

/// Asks for the place of an imported key.
pub fn find(prefix: &str, digest: &Digest) -> Call {
    ask(&[pointer(prefix, digest)], &[b"p"], KeyExpects::Place(None))
}

/// Takes a name.
pub fn claim(prefix: &str, digest: &Digest, place: &KeyPlace, over: Option<&KeyPlace>) -> Call {
    let texts = [place_text(place), over.map(place_text).unwrap_or_default()];
    let arguments = texts.each_ref().map(|text| text.as_bytes());
    ask(&[pointer(prefix, digest)], &arguments, KeyExpects::Place(None))
}

/// Tells a name of its key.
pub fn point(prefix: &str, IndexUpdate { digest, place, what }: &IndexUpdate) -> Call {
    let gone = |gone_ms: Option<u64>| gone_ms.map_or(NEVER, |at| at.min(FAR));
    let (change, version, due) = match *what {
        KeyChange::Created { expires_ms } => {
            (CHANGE_CREATED, 0, gone(expires_ms.map(|at| at.saturating_add(KEPT))))
        }
        KeyChange::Changing => (CHANGE_BEGINS, 0, NEVER),
        KeyChange::Changed { version, gone_ms } => (CHANGE_DONE, version, gone(gone_ms)),
        KeyChange::Ended { gone_ms } => (CHANGE_ENDED, 0, gone(Some(gone_ms))),
    };
    let numbers = IndexUpdateArguments { what: change, version, due }.pack();
    let text = place_text(place);
    let arguments = [text.as_bytes(), &*numbers];
    ask(&[pointer(prefix, digest)], &arguments, KeyExpects::Done)
}

fn pointing(from: &mut Unpacker<'_>, place: &KeyPlace, what: KeyChange) -> Option<IndexUpdate> {
    let digest = from.bytes(32)?.try_into().ok()?;
    Some(IndexUpdate { digest, place: place.clone(), what })
}

/// Reads what the name of a key that has ended is to be told.
pub fn ended(from: &mut Unpacker<'_>, place: &KeyPlace) -> Option<IndexUpdate> {
    let gone_ms = from.take(6)?;
    pointing(from, place, KeyChange::Ended { gone_ms })
}

/// Reads what it is to be told before the key's expiry is changed.
pub fn changing(from: &mut Unpacker<'_>, place: &KeyPlace) -> Option<IndexUpdate> {
    pointing(from, place, KeyChange::Changing)
}

/// Reads what it is to be told afterwards.
pub fn changed(from: &mut Unpacker<'_>, place: &KeyPlace) -> Option<IndexUpdate> {
    let KeyChangedReply { version, due, .. } = KeyChangedReply::take(from)?;
    let gone_ms = Some(due).filter(|at| *at != NEVER);
    pointing(from, place, KeyChange::Changed { version, gone_ms })
}
