//! Values that take no offence at what they are read from.

use std::ops::Deref;

use serde::{Deserialize, Deserializer, de::DeserializeOwned};
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

impl<T: DeserializeOwned> Maybe<T> {
    /// Reads JSON, which may be anything.
    pub(in crate::telegram) fn read(json: &str) -> Self {
        Self(if json.starts_with('[') { None } else { serde_json::from_str(json).ok() })
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Maybe<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(Self::read(<&RawValue>::deserialize(from)?.get()))
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
