//! What people read, kept unrendered until it is sent, for only then is the reader's language known.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A sentence: a message of `locales/` with its arguments, or a literal that reads the same in every language.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Text {
    /// Words as they are; they are escaped, never markup.
    Literal(String),
    /// A message of the locale files.
    Message {
        /// The message's id.
        id: String,
        /// What its variables stand for.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
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
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Argument {
    /// A whole number: plural rules see it.
    Number(i64),
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
