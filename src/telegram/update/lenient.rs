//! Values that take no offence at what they are read from.

use std::{marker::PhantomData, ops::Deref};

use serde::{
    Deserialize, Deserializer,
    de::{
        DeserializeOwned, DeserializeSeed, Error, IgnoredAny, IntoDeserializer, MapAccess, SeqAccess,
        Visitor, value::MapAccessDeserializer,
    },
};
use serde_json::value::RawValue;

/// A value that may be missing or of any other type, and then is `None`. Never a list: serde would take one for a struct.
#[derive(Clone, Debug)]
pub(crate) struct Maybe<T>(pub(crate) Option<T>);

impl<T> Default for Maybe<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> Deref for Maybe<T> {
    type Target = Option<T>;
    fn deref(&self) -> &Option<T> {
        &self.0
    }
}

impl<'de, T: Deserialize<'de>> Maybe<T> {
    /// Reads JSON, which may be anything.
    pub(in crate::telegram) fn read(json: &'de str) -> Self {
        serde_json::from_str(json).unwrap_or_default()
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Maybe<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Anything(PhantomData)).map(Self)
    }
}

/// For a field without which a struct is none: serde's own reading of a value of another type stops somewhere in it.
pub(crate) fn must<'de, T: Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
    Maybe::deserialize(from)?.0.ok_or_else(|| D::Error::custom("of another type"))
}

/// Reads whatever comes to its end, so that what stands behind it can be read.
struct Anything<T>(PhantomData<T>);

macro_rules! read {
    ($($visit:ident: $type:ty),+) => {$(
        fn $visit<E: Error>(self, value: $type) -> Result<Option<T>, E> {
            Ok(T::deserialize(IntoDeserializer::<E>::into_deserializer(value)).ok())
        }
    )+};
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for Anything<T> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("anything")
    }

    read!(visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64, visit_str: &str);

    fn visit_unit<E: Error>(self) -> Result<Option<T>, E> {
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Option<T>, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<Option<T>, A::Error> {
        let mut members = Members { object, awaits_value: false };
        let read = T::deserialize(MapAccessDeserializer::new(&mut members)).ok();
        if read.is_none() {
            if members.awaits_value {
                members.next_value::<IgnoredAny>()?;
            }
            while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        }
        Ok(read)
    }
}

/// The members of an object, of which one may be half read.
struct Members<A> {
    object: A,
    /// Its name is read, and its value is not.
    awaits_value: bool,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Members<A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        let key = self.object.next_key_seed(seed)?;
        self.awaits_value = key.is_some();
        Ok(key)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        self.awaits_value = false;
        self.object.next_value_seed(seed)
    }
}

/// The elements of a list that are what they should be; none if it is no list.
#[derive(Clone, Debug)]
pub(in crate::telegram) struct Each<T>(pub(in crate::telegram) Vec<T>);

impl<T> Default for Each<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Each<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let elements: Vec<Maybe<T>> =
            serde_json::from_str(<&RawValue>::deserialize(from)?.get()).unwrap_or_default();
        Ok(Self(elements.into_iter().filter_map(|element| element.0).collect()))
    }
}
