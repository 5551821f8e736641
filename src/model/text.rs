//! What people read, kept unrendered until it is sent, for only then is the reader's language known.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{Error, MapAccess, SeqAccess, Visitor},
};

/// A sentence: a message of `locales/` with its arguments, or a literal that reads the same in every language.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(untagged)]
pub enum Text {
    /// Words as they are; they are escaped, never markup.
    Literal(String),
    /// A message of the locale files.
    Message {
        /// The message's id.
        id: String,
        /// What its variables stand for.
        #[serde(skip_serializing_if = "BTreeMap::is_empty")]
        with: BTreeMap<String, Argument>,
    },
    /// Several texts, each on a line of its own.
    Lines {
        /// The texts.
        lines: Vec<Text>,
    },
    /// Several texts, a blank line between each two.
    Paragraphs(Vec<Text>),
}

/// What a variable of a message stands for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(untagged)]
pub enum Argument {
    /// A whole number: plural rules see it.
    Number(i64),
    /// A number with a fraction, in digits with a point (`-0.5`): plural rules see it.
    Fraction {
        /// The digits.
        fraction: String,
    },
    /// A day, written as the reader's language writes days (its message `date`).
    Date {
        /// The day.
        date: NaiveDate,
    },
    /// A text, rendered in the reader's language like the message around it.
    Text(Text),
}

impl Text {
    /// Words that read the same in every language, such as what somebody wrote.
    #[must_use]
    pub fn literal(words: impl Into<String>) -> Self {
        Self::Literal(words.into())
    }

    /// The message `id` without arguments; see [`with`](Self::with).
    #[must_use]
    pub fn message(id: impl Into<String>) -> Self {
        Self::Message { id: id.into(), with: BTreeMap::new() }
    }

    /// Gives a message's variable its value. A literal has no variables and stays as it is.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Argument>) -> Self {
        if let Self::Message { with, .. } = &mut self {
            with.insert(name.to_owned(), value.into());
        }
        self
    }
}

impl From<Text> for Argument {
    fn from(text: Text) -> Self {
        Self::Text(text)
    }
}
impl From<&str> for Argument {
    fn from(words: &str) -> Self {
        Self::Text(Text::literal(words))
    }
}
impl From<String> for Argument {
    fn from(words: String) -> Self {
        Self::Text(Text::Literal(words))
    }
}
impl From<&String> for Argument {
    fn from(words: &String) -> Self {
        Self::Text(Text::literal(words))
    }
}
impl From<i64> for Argument {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}
impl From<f64> for Argument {
    fn from(number: f64) -> Self {
        #[expect(clippy::cast_possible_truncation, reason = "a whole number of so few digits fits")]
        let whole = || Self::Number(number as i64);
        if number.fract() == 0.0 && number.abs() <= 1e15 {
            whole()
        } else {
            Self::Fraction { fraction: number.to_string() }
        }
    }
}
impl From<NaiveDate> for Argument {
    fn from(date: NaiveDate) -> Self {
        Self::Date { date }
    }
}
impl From<usize> for Argument {
    fn from(number: usize) -> Self {
        Self::Number(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

/// A [`Text`]: `text!("report-kind")`, `text!("report-thanks", reference = "A7", count = 3)`.
#[macro_export]
macro_rules! text {
    ($id:literal $(, $name:ident = $value:expr)* $(,)?) => {
        $crate::Text::message($id)$(.with(stringify!($name), $value))*
    };
}

// Texts are most of what a document holds. Read by hand, because a derived untagged enum first copies all it reads.

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        match from.deserialize_any(Reader)? {
            Argument::Text(text) => Ok(text),
            other => Err(D::Error::custom(format!("{other:?} is no text"))),
        }
    }
}

impl<'de> Deserialize<'de> for Argument {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Argument;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a text or a whole number")
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Argument, E> {
        Ok(Argument::Number(number))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Argument, E> {
        i64::try_from(number).map(Argument::Number).map_err(E::custom)
    }

    fn visit_str<E: Error>(self, words: &str) -> Result<Argument, E> {
        Ok(Argument::Text(Text::literal(words)))
    }

    fn visit_string<E: Error>(self, words: String) -> Result<Argument, E> {
        Ok(Argument::Text(Text::Literal(words)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Argument, A::Error> {
        let mut texts = Vec::new();
        while let Some(text) = sequence.next_element()? {
            texts.push(text);
        }
        Ok(Argument::Text(Text::Paragraphs(texts)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Argument, A::Error> {
        let (mut id, mut with, mut lines, mut value) = (None, BTreeMap::new(), None, None);
        while let Some(key) = map.next_key::<std::borrow::Cow<'_, str>>()? {
            match &*key {
                "id" => id = Some(map.next_value()?),
                "with" => with = map.next_value()?,
                "lines" => lines = Some(map.next_value()?),
                "date" => value = Some(Argument::Date { date: map.next_value()? }),
                "fraction" => value = Some(Argument::Fraction { fraction: map.next_value()? }),
                // A field of a later version.
                _ => drop(map.next_value::<serde::de::IgnoredAny>()?),
            }
        }
        match (id, lines, value) {
            (Some(id), ..) => Ok(Argument::Text(Text::Message { id, with })),
            (None, Some(lines), _) => Ok(Argument::Text(Text::Lines { lines })),
            (None, None, Some(value)) => Ok(value),
            (None, None, None) => Err(A::Error::missing_field("id")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_reads_back_what_it_wrote() {
        let day = NaiveDate::from_ymd_opt(2026, 8, 1).unwrap();
        let message =
            text!("a", one = 1_i64, two = "2", three = text!("b", four = Text::Paragraphs(Vec::new())));
        let message = message.with("half", 0.5).with("whole", 3.0).with("day", day);
        let lines = Text::Lines { lines: vec![message.clone(), Text::literal("x")] };
        for text in
            [Text::literal("\"é\""), text!("a"), message, lines.clone(), Text::Paragraphs(vec![lines])]
        {
            let json = serde_json::to_string(&text).unwrap();
            assert_eq!(serde_json::from_str::<Text>(&json).unwrap(), text, "{json}");
            let value = serde_json::to_value(&text).unwrap();
            assert_eq!(serde_json::from_value::<Text>(value).unwrap(), text, "{json}");
        }
        for garbage in ["1", "{}", "null", "[1]", "{\"with\":{}}", "true", "{\"date\":\"2026-08-01\"}"] {
            assert!(serde_json::from_str::<Text>(garbage).is_err(), "{garbage}");
        }
    }
}
