//! A strict JSON reader: member names of an object are unique, at any depth. RFC 8259 §4 leaves repeated names
//! undefined, and RFC 7519 §4 lets a verifier reject them. So two readers of one token cannot disagree about
//! its content.

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

/// A JSON value, with the detail that a reader of tokens needs.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number, as the double that JavaScript reads.
    Number(f64),
    /// A string.
    Text(Cow<'a, str>),
    /// An array of strings only.
    Texts(Vec<Cow<'a, str>>),
    /// Any other array.
    Array,
    /// An object.
    Object,
}

/// The members of an object, in source order.
pub type Members<'a> = Vec<(Cow<'a, str>, Value<'a>)>;

/// Reads an object. `None`: the text is not JSON, it is not an object, or an object in it repeats a name.
#[must_use]
pub fn read_object(text: &str) -> Option<Members<'_>> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let members = Object.deserialize(&mut reader).ok()?;
    reader.end().ok()?;
    Some(members)
}

/// The names seen so far in one object. A short list is compared name by name, a long list is hashed.
#[derive(Default)]
struct Names<'a> {
    few: Vec<Cow<'a, str>>,
    many: HashSet<Cow<'a, str>>,
}

impl<'a> Names<'a> {
    fn add<E: Error>(&mut self, name: Cow<'a, str>) -> Result<(), E> {
        let fresh = if self.few.len() < 24 {
            let fresh = !self.few.contains(&name);
            self.few.push(name);
            fresh
        } else {
            if self.many.is_empty() {
                self.many.extend(self.few.iter().cloned());
            }
            self.many.insert(name)
        };
        if fresh { Ok(()) } else { Err(E::custom("a member name is repeated")) }
    }
}

/// A member name or string. It is borrowed from the text unless it contains an escape.
struct Text;

impl<'de> DeserializeSeed<'de> for Text {
    type Value = Cow<'de, str>;
    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Self::Value, D::Error> {
        reader.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Text {
    type Value = Cow<'de, str>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }
    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}

/// The outermost object. Its members are kept.
struct Object;

impl<'de> DeserializeSeed<'de> for Object {
    type Value = Members<'de>;
    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Self::Value, D::Error> {
        reader.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Object {
    type Value = Members<'de>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members: Members<'de> = Vec::with_capacity(12);
        let mut many = HashSet::new();
        while let Some(name) = map.next_key_seed(Text)? {
            let repeated = if members.len() < 24 {
                members.iter().any(|(known, _)| *known == name)
            } else {
                if many.is_empty() {
                    many.extend(members.iter().map(|(known, _)| known.clone()));
                }
                !many.insert(name.clone())
            };
            if repeated {
                return Err(A::Error::custom("a member name is repeated"));
            }
            members.push((name, map.next_value_seed(Any)?));
        }
        Ok(members)
    }
}

/// Any value. It is searched for repeated names, and kept with the detail of `Value`.
#[derive(Clone, Copy)]
struct Any;

impl<'de> DeserializeSeed<'de> for Any {
    type Value = Value<'de>;
    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Self::Value, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Any {
    type Value = Value<'de>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }
    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Value::Null)
    }
    fn visit_bool<E: Error>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Value::Bool(value))
    }
    #[allow(clippy::cast_precision_loss)]
    fn visit_u64<E: Error>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Value::Number(value as f64))
    }
    #[allow(clippy::cast_precision_loss)]
    fn visit_i64<E: Error>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Value::Number(value as f64))
    }
    fn visit_f64<E: Error>(self, value: f64) -> Result<Self::Value, E> {
        Ok(Value::Number(value))
    }
    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Value::Text(Cow::Borrowed(text)))
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Value::Text(Cow::Owned(text.to_owned())))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut texts = Some(Vec::new());
        while let Some(value) = seq.next_element_seed(Any)? {
            match (value, &mut texts) {
                (Value::Text(text), Some(texts)) => texts.push(text),
                _ => texts = None,
            }
        }
        Ok(texts.map_or(Value::Array, Value::Texts))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut names = Names::default();
        while let Some(name) = map.next_key_seed(Text)? {
            names.add(name)?;
            map.next_value_seed(Any)?;
        }
        Ok(Value::Object)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_name_is_refused_at_any_depth_and_in_any_spelling() {
        assert!(read_object(r#"{"a":1,"b":{"c":1},"d":[{"e":1},{"e":2}]}"#).is_some());
        assert!(read_object(r#"{"a":1,"a":1}"#).is_none());
        assert!(read_object(r#"{"a":1,"\u0061":1}"#).is_none());
        assert!(read_object(r#"{"a":{"b":1,"b":2}}"#).is_none());
        assert!(read_object(r#"{"a":[1,{"b":1,"c":2,"b":2}]}"#).is_none());
        let many = |last: &str| {
            let inner: Vec<_> = (0..100).map(|n| format!(r#""k{n}":0"#)).collect();
            format!(r#"{{{},"{last}":0}}"#, inner.join(","))
        };
        assert!(read_object(&many("k100")).is_some());
        assert!(read_object(&many("k3")).is_none());
        assert!(read_object(&many("k77")).is_none());
        assert!(read_object(&format!(r#"{{"o":{}}}"#, many("k77"))).is_none());
    }

    #[test]
    fn only_one_whole_object_is_an_object() {
        for text in
            ["", "[]", "1", "null", "{} {}", "{}x", "{'a':1}", r#"{"a":1,}"#, r#"{"a":1e400}"#]
        {
            assert!(read_object(text).is_none(), "{text}");
        }
        assert!(read_object(r#"{"a":"\ud800"}"#).is_none(), "a lone surrogate is no text");
        assert!(
            read_object(&format!(r#"{{"a":{}1{}}}"#, "[".repeat(200), "]".repeat(200))).is_none()
        );
        assert_eq!(read_object(" {\n} ").map(|m| m.len()), Some(0));
    }

    #[test]
    fn values_keep_their_type() {
        let members = read_object(r#"{"n":1.5,"t":"x","l":["a","\u0062"],"m":["a",1],"z":null}"#);
        let values: Vec<_> = members.into_iter().flatten().map(|(_, value)| value).collect();
        assert_eq!(values[0], Value::Number(1.5));
        assert_eq!(values[1], Value::Text("x".into()));
        assert_eq!(values[2], Value::Texts(vec!["a".into(), "b".into()]));
        assert_eq!(values[3], Value::Array);
        assert_eq!(values[4], Value::Null);
    }
}
