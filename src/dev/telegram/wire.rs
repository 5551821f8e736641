//! The shapes of Telegram's JSON, with the fields that the fake fills.
//!
//! Each is one type of <https://core.telegram.org/bots/api#available-types>.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::media::Media;

/// A person or a bot.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct User {
    pub(super) id: i64,
    pub(super) is_bot: bool,
    pub(super) first_name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) last_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) username: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) language_code: Option<String>,
}

/// Where messages are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Chat {
    pub(super) id: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) title: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) first_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) last_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) username: Option<String>,
    #[serde(rename = "type")]
    pub(super) kind: ChatKind,
    /// Has it topics?
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) is_forum: bool,
}

/// Which sort of chat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ChatKind {
    Private,
    Group,
    Supergroup,
}

/// A marked part of a text; offset and length are in UTF-16 code units.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Entity {
    pub(super) offset: usize,
    pub(super) length: usize,
    #[serde(rename = "type")]
    pub(super) kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) language: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) custom_emoji_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) user: Option<User>,
}

impl Entity {
    pub(super) fn new(kind: &str, offset: usize, length: usize) -> Self {
        let kind = kind.to_owned();
        Self { offset, length, kind, url: None, language: None, custom_emoji_id: None, user: None }
    }
}

/// One size of a photo.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PhotoSize {
    pub(super) file_id: String,
    pub(super) file_unique_id: String,
    pub(super) file_size: usize,
    pub(super) width: usize,
    pub(super) height: usize,
}

/// A file that is not a photo.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Document {
    pub(super) file_name: String,
    pub(super) mime_type: String,
    pub(super) file_id: String,
    pub(super) file_unique_id: String,
    pub(super) file_size: usize,
}

/// A point on the earth, in degrees.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Location {
    pub(super) latitude: f64,
    pub(super) longitude: f64,
    /// So many seconds it may move.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) live_period: Option<u32>,
}

/// Somebody's phone number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Contact {
    pub(super) phone_number: String,
    pub(super) first_name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) last_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) user_id: Option<i64>,
}

/// What a message holds. Telegram has one flat object of optional fields, of which the kinds of content use a few each.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Content {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) media_group_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) text: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) entities: Vec<Entity>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) photo: Vec<PhotoSize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) document: Option<Document>,
    #[serde(flatten)]
    pub(super) media: Media,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) caption: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) caption_entities: Vec<Entity>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) location: Option<Location>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) contact: Option<Contact>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) migrate_to_chat_id: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) migrate_from_chat_id: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) forum_topic_created: Option<TopicCreated>,
}

/// What a message tells of that begins a topic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct TopicCreated {
    pub(super) name: String,
    /// Red, green and blue, 8 bits each.
    pub(super) icon_color: u32,
}

/// A message; dates are seconds since 1970.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Message {
    pub(super) message_id: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) message_thread_id: Option<i64>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) is_topic_message: bool,
    pub(super) from: User,
    pub(super) chat: Chat,
    pub(super) date: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) edit_date: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) reply_to_message: Option<Box<Message>>,
    #[serde(flatten)]
    pub(super) content: Content,
    /// The inline keyboard; other keyboards are not part of a message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) reply_markup: Option<Value>,
}

/// A press of an inline button.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct CallbackQuery {
    pub(super) id: String,
    pub(super) from: User,
    pub(super) message: Message,
    pub(super) chat_instance: String,
    pub(super) data: String,
}

/// A command that a bot offers in its menu.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Command {
    pub(super) command: String,
    pub(super) description: String,
}
