//! The fields of Telegram's objects that we look at.

use serde::Deserialize;

use super::lenient::{Each, Maybe, must};

/// A message, or what else has a chat and somebody who did it (most updates do).
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::telegram) struct Message {
    pub(in crate::telegram) message_id: Maybe<i64>,
    pub(in crate::telegram) message_thread_id: Maybe<i64>,
    pub(in crate::telegram) is_topic_message: Maybe<bool>,
    pub(in crate::telegram) direct_messages_topic: Maybe<DirectMessagesTopic>,
    pub(in crate::telegram) chat: Maybe<Chat>,
    pub(in crate::telegram) from: Maybe<User>,
    /// Who did it, in updates that are no messages.
    pub(in crate::telegram) user: Maybe<User>,
    pub(in crate::telegram) sender_chat: Maybe<Chat>,
    pub(in crate::telegram) reply_to_message: Maybe<Replied>,
    pub(in crate::telegram) media_group_id: Maybe<String>,
    pub(in crate::telegram) text: Maybe<String>,
    pub(in crate::telegram) entities: Each<Entity>,
    pub(in crate::telegram) caption: Maybe<String>,
    pub(in crate::telegram) photo: Each<File>,
    pub(in crate::telegram) animation: Maybe<File>,
    pub(in crate::telegram) video: Maybe<File>,
    pub(in crate::telegram) video_note: Maybe<File>,
    pub(in crate::telegram) voice: Maybe<File>,
    pub(in crate::telegram) audio: Maybe<File>,
    pub(in crate::telegram) document: Maybe<File>,
    pub(in crate::telegram) sticker: Maybe<File>,
    pub(in crate::telegram) location: Maybe<Location>,
    pub(in crate::telegram) venue: Maybe<Venue>,
    pub(in crate::telegram) contact: Maybe<Contact>,
    /// This group became that supergroup.
    pub(in crate::telegram) migrate_to_chat_id: Maybe<i64>,
    /// This supergroup was that group.
    pub(in crate::telegram) migrate_from_chat_id: Maybe<i64>,
}

#[derive(Clone, Debug, Deserialize)]
pub(in crate::telegram) struct DirectMessagesTopic {}

#[derive(Clone, Debug, Deserialize)]
pub(in crate::telegram) struct Replied {
    #[serde(deserialize_with = "must")]
    pub(in crate::telegram) message_id: i64,
}

#[derive(Clone, Debug, Deserialize)]
pub(in crate::telegram) struct Chat {
    #[serde(deserialize_with = "must")]
    pub(in crate::telegram) id: i64,
    #[serde(default, rename = "type")]
    pub(in crate::telegram) kind: Maybe<String>,
    #[serde(default)]
    pub(in crate::telegram) title: Maybe<String>,
    #[serde(default)]
    pub(in crate::telegram) first_name: Maybe<String>,
    #[serde(default)]
    pub(in crate::telegram) last_name: Maybe<String>,
    #[serde(default)]
    pub(in crate::telegram) username: Maybe<String>,
}

#[derive(Clone, Debug, Deserialize)]
pub(in crate::telegram) struct User {
    #[serde(deserialize_with = "must")]
    pub(in crate::telegram) id: i64,
    #[serde(default)]
    pub(in crate::telegram) is_bot: Maybe<bool>,
    #[serde(default)]
    pub(in crate::telegram) first_name: Maybe<String>,
    #[serde(default)]
    pub(in crate::telegram) last_name: Maybe<String>,
    #[serde(default)]
    pub(in crate::telegram) username: Maybe<String>,
    #[serde(default)]
    pub(in crate::telegram) language_code: Maybe<String>,
}

#[derive(Clone, Debug, Deserialize)]
pub(in crate::telegram) struct Entity {
    #[serde(rename = "type", deserialize_with = "must")]
    pub(in crate::telegram) kind: String,
    #[serde(deserialize_with = "must")]
    pub(in crate::telegram) offset: u64,
    #[serde(deserialize_with = "must")]
    pub(in crate::telegram) length: usize,
}

/// Any kind of file, a photo's size too.
#[derive(Clone, Debug, Deserialize)]
pub(in crate::telegram) struct File {
    #[serde(deserialize_with = "must")]
    pub(in crate::telegram) file_id: String,
    #[serde(default)]
    pub(in crate::telegram) file_unique_id: Maybe<String>,
    #[serde(default)]
    pub(in crate::telegram) file_name: Maybe<String>,
    #[serde(default)]
    pub(in crate::telegram) mime_type: Maybe<String>,
    #[serde(default)]
    pub(in crate::telegram) file_size: Maybe<u64>,
    #[serde(default)]
    pub(in crate::telegram) width: Maybe<u32>,
    #[serde(default)]
    pub(in crate::telegram) height: Maybe<u32>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
pub(in crate::telegram) struct Location {
    #[serde(deserialize_with = "must")]
    pub(in crate::telegram) latitude: f64,
    #[serde(deserialize_with = "must")]
    pub(in crate::telegram) longitude: f64,
}

#[derive(Clone, Debug, Deserialize)]
pub(in crate::telegram) struct Venue {
    #[serde(default)]
    pub(in crate::telegram) location: Maybe<Location>,
}

#[derive(Clone, Debug, Deserialize)]
pub(in crate::telegram) struct Contact {
    #[serde(deserialize_with = "must")]
    pub(in crate::telegram) phone_number: String,
    #[serde(default)]
    pub(in crate::telegram) first_name: Maybe<String>,
    #[serde(default)]
    pub(in crate::telegram) last_name: Maybe<String>,
    #[serde(default)]
    pub(in crate::telegram) user_id: Maybe<i64>,
}

/// A press on a button (<https://core.telegram.org/bots/api#callbackquery>).
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::telegram) struct CallbackQuery {
    pub(in crate::telegram) id: Maybe<String>,
    pub(in crate::telegram) from: Maybe<User>,
    /// Of a message that is too old only chat and id are left.
    pub(in crate::telegram) message: Maybe<Message>,
    pub(in crate::telegram) data: Maybe<String>,
}

/// A change of somebody's standing in a chat (<https://core.telegram.org/bots/api#chatmemberupdated>).
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::telegram) struct ChatMemberUpdated {
    pub(in crate::telegram) chat: Maybe<Chat>,
    pub(in crate::telegram) from: Maybe<User>,
    pub(in crate::telegram) new_chat_member: Maybe<ChatMember>,
}

#[derive(Clone, Debug, Deserialize)]
pub(in crate::telegram) struct ChatMember {
    #[serde(deserialize_with = "must")]
    pub(in crate::telegram) status: String,
    #[serde(default)]
    pub(in crate::telegram) is_member: Maybe<bool>,
    #[serde(default)]
    pub(in crate::telegram) can_send_messages: Maybe<bool>,
}
