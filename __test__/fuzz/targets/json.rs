//! Strict JSON: an object is read exactly where serde_json reads one and no member name stands twice at any depth, and what
//! is read is the same.
#![no_main]

use latchgate::tokens::strict_json::{Value, read_object};
use libfuzzer_sys::fuzz_target;
use serde_json::Value as Json;

/// Members of all objects, counted in the text: as many as there are colons outside strings. It must be JSON.
fn members_in(text: &str) -> usize {
    let (mut inside, mut escaped, mut count) = (false, false, 0);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if inside => escaped = true,
            b'"' => inside = !inside,
            b':' if !inside => count += 1,
            _ => {}
        }
    }
    count
}

/// Members of all objects, of which serde_json keeps one of each name.
fn members_of(json: &Json) -> usize {
    match json {
        Json::Object(members) => members.len() + members.values().map(members_of).sum::<usize>(),
        Json::Array(all) => all.iter().map(members_of).sum(),
        _ => 0,
    }
}

#[allow(clippy::float_cmp)]
fn is_same(value: &Value<'_>, json: &Json) -> bool {
    match (value, json) {
        (Value::Null, Json::Null) | (Value::Object, Json::Object(_)) => true,
        (Value::Bool(value), Json::Bool(json)) => value == json,
        (Value::Number(value), Json::Number(json)) => json.as_f64() == Some(*value),
        (Value::Text(value), Json::String(json)) => value == json,
        (Value::Texts(texts), Json::Array(all)) => {
            texts.len() == all.len() && texts.iter().zip(all).all(|(text, json)| json == &**text)
        }
        (Value::Array, Json::Array(all)) => all.iter().any(|each| !each.is_string()),
        _ => false,
    }
}

fuzz_target!(|text: &str| {
    let ours = read_object(text);
    let Ok(json) = serde_json::from_str::<Json>(text) else {
        assert!(ours.is_none(), "read, and not JSON");
        return;
    };
    let is_unique = members_in(text) == members_of(&json);
    let Json::Object(theirs) = &json else {
        assert!(ours.is_none(), "read, and no object");
        return;
    };
    assert_eq!(ours.is_some(), is_unique, "a name stands twice, or none does");
    let Some(ours) = ours else { return };
    assert_eq!(ours.len(), theirs.len());
    for (name, value) in &ours {
        let other = theirs.get(&**name).expect("a member of both");
        assert!(is_same(value, other), "{value:?} and {other:?}");
    }
});
