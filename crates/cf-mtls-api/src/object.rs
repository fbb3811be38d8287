//! Reads objects from nothing but objects.
//!
//! What serde derives for a struct also takes a sequence, field by field, so that
//! `[null, null, null, true]` would be an envelope that reports success.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde::{Deserialize, forward_to_deserialize_any};

/// Implements serde's traits for structs that derive them with `remote = "Self"`.
macro_rules! only_objects {
    ($($name:ident)*) => {$(
        impl<'de> ::serde::Deserialize<'de> for $name {
            fn deserialize<D: ::serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                Self::deserialize(crate::object::OnlyObject(from))
            }
        }

        impl ::serde::Serialize for $name {
            fn serialize<S: ::serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                Self::serialize(self, to)
            }
        }
    )*};
}

pub(crate) use only_objects;

/// Refuses a struct that comes as anything else than an object.
pub(crate) struct OnlyObject<D>(pub(crate) D);

impl<'de, D: Deserializer<'de>> Deserializer<'de> for OnlyObject<D> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_map(OnlyMap(visitor))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf
        option unit unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier
        ignored_any
    }
}

struct OnlyMap<V>(V);

impl<'de, V: Visitor<'de>> Visitor<'de> for OnlyMap<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<V::Value, A::Error> {
        self.0.visit_map(map)
    }
}

/// The members of an object, none of which occurs twice: two that say `success` are no
/// evidence.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UniqueMembers<V>(pub HashMap<String, V>);

impl<'de, V: Deserialize<'de>> Deserialize<'de> for UniqueMembers<V> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(EachMember(PhantomData))
    }
}

struct EachMember<V>(PhantomData<V>);

impl<'de, V: Deserialize<'de>> Visitor<'de> for EachMember<V> {
    type Value = UniqueMembers<V>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = HashMap::new();
        while let Some(name) = map.next_key::<String>()? {
            match members.entry(name) {
                Entry::Vacant(free) => free.insert(map.next_value()?),
                Entry::Occupied(_) => return Err(A::Error::custom("a member occurs twice")),
            };
        }
        Ok(UniqueMembers(members))
    }
}
