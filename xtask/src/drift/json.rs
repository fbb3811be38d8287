//! JSON as a tree, with a note of each name that stands twice in one object:
//! programs differ in which of the two they believe.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::document::escape;

/// Parses what stands at `at`, and adds the pointers of what stands twice.
pub(super) fn parse(
    text: &str,
    at: &str,
    doubled: &mut BTreeSet<String>,
) -> Result<Value, serde_json::Error> {
    let mut place = at.to_owned();
    let node = Node {
        place: &mut place,
        doubled,
    };
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = node.deserialize(&mut reader)?;
    reader.end()?;
    Ok(value)
}

struct Node<'n> {
    place: &'n mut String,
    doubled: &'n mut BTreeSet<String>,
}

impl Node<'_> {
    /// Runs `read` on the part `name`.
    fn part<T>(&mut self, name: &str, read: impl FnOnce(Node<'_>) -> T) -> T {
        let length = self.place.len();
        self.place.push('/');
        self.place.push_str(name);
        let outcome = read(Node {
            place: self.place,
            doubled: self.doubled,
        });
        self.place.truncate(length);
        outcome
    }
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        let number = Number::from_f64(value);
        number
            .map(Value::Number)
            .ok_or_else(|| E::custom("a number out of range"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        loop {
            let index = values.len().to_string();
            match self.part(&index, |node| list.next_element_seed(node))? {
                Some(value) => values.push(value),
                None => return Ok(Value::Array(values)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some(name) = map.next_key::<String>()? {
            let part = escape(&name);
            let value = self.part(&part, |node| map.next_value_seed(node))?;
            if members.insert(name, value).is_some() {
                let pointer = format!("{}/{part}", self.place);
                self.doubled.insert(pointer);
            }
        }
        Ok(Value::Object(members))
    }
}
