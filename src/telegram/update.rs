//! An update as Telegram sends it, read without ever being offended.
//!
//! Only the envelope can be wrong. Inside it every field may be missing, new or of another type: then it counts as not
//! there (<https://core.telegram.org/bots/api#update>).

use std::{borrow::Cow, collections::BTreeMap, ops::Deref};

use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::value::RawValue;

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

/// What we act upon. Of an update with several contents (there are none today) the first of these counts.
const HANDLED: [&str; 6] =
    ["message", "edited_message", "channel_post", "edited_channel_post", "callback_query", "my_chat_member"];

impl<'a> Envelope<'a> {
    /// Reads the outermost layer of an update.
    ///
    /// # Errors
    /// If these bytes are no update.
    pub fn parse(raw: &'a [u8]) -> Result<Self, Error> {
        let fields: Fields<'a> = serde_json::from_slice(raw)
            .map_err(|error| Error::NotJson { line: error.line(), column: error.column() })?;
        let update_id = fields.get("update_id").and_then(|id| id.get().parse().ok()).ok_or(Error::NoId)?;
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

/// A value that may be missing or of any other type, and then is `None`. Never a list: serde would take one for a struct.
#[derive(Clone, Debug)]
pub(super) struct Maybe<T>(pub(super) Option<T>);

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
    pub(super) fn read(json: &str) -> Self {
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
pub(super) struct Each<T>(pub(super) Vec<T>);

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

/// A message, or what else has a chat and somebody who did it (most updates do).
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Message {
    pub(super) message_id: Maybe<i64>,
    pub(super) message_thread_id: Maybe<i64>,
    pub(super) is_topic_message: Maybe<bool>,
    pub(super) direct_messages_topic: Maybe<DirectMessagesTopic>,
    pub(super) chat: Maybe<Chat>,
    pub(super) from: Maybe<User>,
    /// Who did it, in updates that are no messages.
    pub(super) user: Maybe<User>,
    pub(super) sender_chat: Maybe<Chat>,
    pub(super) reply_to_message: Maybe<Replied>,
    pub(super) media_group_id: Maybe<String>,
    pub(super) text: Maybe<String>,
    pub(super) entities: Each<Entity>,
    pub(super) caption: Maybe<String>,
    pub(super) photo: Each<File>,
    pub(super) animation: Maybe<File>,
    pub(super) video: Maybe<File>,
    pub(super) video_note: Maybe<File>,
    pub(super) voice: Maybe<File>,
    pub(super) audio: Maybe<File>,
    pub(super) document: Maybe<File>,
    pub(super) sticker: Maybe<File>,
    pub(super) location: Maybe<Location>,
    pub(super) venue: Maybe<Venue>,
    pub(super) contact: Maybe<Contact>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct DirectMessagesTopic {}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Replied {
    pub(super) message_id: i64,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Chat {
    pub(super) id: i64,
    #[serde(default, rename = "type")]
    pub(super) kind: Maybe<String>,
    #[serde(default)]
    pub(super) title: Maybe<String>,
    #[serde(default)]
    pub(super) first_name: Maybe<String>,
    #[serde(default)]
    pub(super) last_name: Maybe<String>,
    #[serde(default)]
    pub(super) username: Maybe<String>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct User {
    pub(super) id: i64,
    #[serde(default)]
    pub(super) is_bot: Maybe<bool>,
    #[serde(default)]
    pub(super) first_name: Maybe<String>,
    #[serde(default)]
    pub(super) last_name: Maybe<String>,
    #[serde(default)]
    pub(super) username: Maybe<String>,
    #[serde(default)]
    pub(super) language_code: Maybe<String>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Entity {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) offset: u64,
    pub(super) length: usize,
}

/// Any kind of file, a photo's size too.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct File {
    pub(super) file_id: String,
    #[serde(default)]
    pub(super) file_unique_id: Maybe<String>,
    #[serde(default)]
    pub(super) file_name: Maybe<String>,
    #[serde(default)]
    pub(super) mime_type: Maybe<String>,
    #[serde(default)]
    pub(super) file_size: Maybe<u64>,
    #[serde(default)]
    pub(super) width: Maybe<u32>,
    #[serde(default)]
    pub(super) height: Maybe<u32>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct Location {
    pub(super) latitude: f64,
    pub(super) longitude: f64,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Venue {
    #[serde(default)]
    pub(super) location: Maybe<Location>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Contact {
    pub(super) phone_number: String,
    #[serde(default)]
    pub(super) first_name: Maybe<String>,
    #[serde(default)]
    pub(super) last_name: Maybe<String>,
    #[serde(default)]
    pub(super) user_id: Maybe<i64>,
}

/// A press on a button (<https://core.telegram.org/bots/api#callbackquery>).
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct CallbackQuery {
    pub(super) id: Maybe<String>,
    pub(super) from: Maybe<User>,
    /// Of a message that is too old only chat and id are left.
    pub(super) message: Maybe<Message>,
    pub(super) data: Maybe<String>,
}

/// A change of somebody's standing in a chat (<https://core.telegram.org/bots/api#chatmemberupdated>).
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ChatMemberUpdated {
    pub(super) chat: Maybe<Chat>,
    pub(super) from: Maybe<User>,
    pub(super) new_chat_member: Maybe<ChatMember>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct ChatMember {
    pub(super) status: String,
    #[serde(default)]
    pub(super) is_member: Maybe<bool>,
    #[serde(default)]
    pub(super) can_send_messages: Maybe<bool>,
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
