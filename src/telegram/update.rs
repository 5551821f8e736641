//! An update as Telegram sends it, read without ever being offended.
//!
//! Only the envelope can be wrong. Inside it every field may be missing, new or of another type: then it counts as not
//! there (<https://core.telegram.org/bots/api#update>).

mod lenient;
mod wire;

use std::{borrow::Cow, collections::BTreeMap};

use serde::Deserialize;
use serde_json::value::RawValue;

use super::webhook::HANDLED;

pub(crate) use lenient::{Maybe, must};
pub(super) use wire::{CallbackQuery, Chat, ChatMember, ChatMemberUpdated, File, Location, Message, User};

/// Why bytes are no update. They will never become one: keep them as a dead letter.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Not a JSON object. The parser's own words might quote what somebody wrote.
    #[error("the update is not a JSON object (line {line}, column {column})")]
    NotJson {
        /// Where it stops being one, counted from one.
        line: usize,
        /// The byte in that line, counted from one.
        column: usize,
    },
    /// Nothing to know it by.
    #[error("the update has no `update_id` that is a whole number from 0 to 2^64-1")]
    NoId,
}

/// An update that is not yet understood: its number and its one content.
#[derive(Clone, Debug)]
pub struct Envelope<'a> {
    /// Rises with every update of a bot, though not by one.
    pub update_id: u64,
    /// Telegram's name for what happened; empty if nothing did.
    pub kind: Cow<'a, str>,
    /// What happened, as it came. `null` if nothing did.
    pub body: &'a str,
}

impl<'a> Envelope<'a> {
    /// Reads the outermost layer of an update.
    ///
    /// # Errors
    /// If these bytes are no update.
    pub fn parse(raw: &'a [u8]) -> Result<Self, Error> {
        let fields: Fields<'a> = serde_json::from_slice(raw)
            .map_err(|error| Error::NotJson { line: error.line(), column: error.column() })?;
        let update_id = fields.get("update_id").and_then(|id| id.get().parse().ok()).ok_or(Error::NoId)?;
        // Of an update with several contents (there are none today) the first that we act upon counts.
        let content = HANDLED.iter().find_map(|kind| fields.0.get_key_value(*kind)).or_else(|| {
            fields.0.iter().find(|(key, body)| key.0 != "update_id" && body.get().starts_with('{'))
        });
        let (kind, body) =
            content.map_or((Cow::Borrowed(""), "null"), |(key, body)| (key.0.clone(), body.get()));
        Ok(Self { update_id, kind, body })
    }
}

/// The members of an object, not yet looked at.
#[derive(Deserialize)]
pub(super) struct Fields<'a>(#[serde(borrow)] BTreeMap<Key<'a>, &'a RawValue>);

impl<'a> Fields<'a> {
    pub(super) fn get(&self, key: &str) -> Option<&'a RawValue> {
        self.0.get(key).copied()
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(|key| key.0.as_ref())
    }
}

#[derive(Deserialize, PartialEq, Eq, PartialOrd, Ord)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

impl std::borrow::Borrow<str> for Key<'_> {
    fn borrow(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_envelope_is_a_number_and_one_content() {
        let envelope = Envelope::parse(br#"{"extra":1,"update_id":7,"message":{"text":"hi"}}"#).unwrap();
        assert_eq!((envelope.update_id, &*envelope.kind, envelope.body), (7, "message", r#"{"text":"hi"}"#));
        let unknown =
            Envelope::parse(br#" {"holiday":{"a":[1]}, "update_id":18446744073709551615} "#).unwrap();
        assert_eq!((unknown.update_id, &*unknown.kind), (u64::MAX, "holiday"));
        let escaped = Envelope::parse(br#"{"update_id":7,"mess\u0061ge":{}}"#).unwrap();
        assert_eq!(&*escaped.kind, "message");
        let empty = Envelope::parse(br#"{"update_id":7}"#).unwrap();
        assert_eq!((&*empty.kind, empty.body), ("", "null"));
    }

    #[test]
    fn what_has_no_number_is_no_update() {
        for raw in [
            r#"{"message":{}}"#,
            r#"{"update_id":-1}"#,
            r#"{"update_id":1.5}"#,
            r#"{"update_id":1e3}"#,
            r#"{"update_id":"1"}"#,
            r#"{"update_id":null}"#,
            r#"{"update_id":18446744073709551616}"#,
        ] {
            assert!(matches!(Envelope::parse(raw.as_bytes()), Err(Error::NoId)), "{raw}");
        }
        for raw in [&b""[..], b"{", b"[]", b"null", b"7", b"\xff", b"{\"update_id\":1}x", b"\xef\xbb\xbf{}"] {
            assert!(matches!(Envelope::parse(raw), Err(Error::NotJson { .. })), "{raw:?}");
        }
    }

    #[test]
    fn an_error_never_quotes_what_somebody_wrote() {
        let error = Envelope::parse(br#"{"update_id":1,"message":"a secret"#).unwrap_err();
        assert!(!error.to_string().contains("secret"), "{error}");
        let error = Envelope::parse(br#""a secret""#).unwrap_err();
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}
