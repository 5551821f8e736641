//! Rooms: what is said between a person and a bot, or in a group.

use std::{collections::BTreeMap, fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    refusal::Refusal,
    topic::Topic,
    wire::{Chat, Message},
};

/// A chat as one bot sees it: with one person (`operations:101`), or a group that all its bots share (`:-1001`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct RoomKey {
    pub(super) bot: Option<Arc<str>>,
    pub(super) chat: i64,
}

impl fmt::Display for RoomKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.bot.as_deref().unwrap_or_default(), self.chat)
    }
}

impl FromStr for RoomKey {
    type Err = Refusal;
    fn from_str(text: &str) -> Result<Self, Refusal> {
        let (bot, chat) = text.split_once(':').ok_or_else(Refusal::chat_not_found)?;
        let chat = chat.parse().map_err(|_| Refusal::chat_not_found())?;
        Ok(Self { bot: (!bot.is_empty()).then(|| bot.into()), chat })
    }
}

/// What is in a room.
#[derive(Clone, Debug)]
pub(super) struct Room {
    pub(super) about: About,
    pub(super) messages: BTreeMap<i64, Arc<Kept>>,
}

/// What of a room outlives the process, beside its messages.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct About {
    pub(super) chat: Chat,
    pub(super) people: Vec<i64>,
    pub(super) bots: Vec<Arc<str>>,
    #[serde(default)]
    pub(super) blocked: bool,
    /// The reply keyboard shown under the room.
    #[serde(default)]
    pub(super) keyboard: Option<Value>,
    /// The topics of a forum.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) topics: Vec<Topic>,
    /// Message numbers of a group; private rooms take their bot's.
    #[serde(default)]
    pub(super) next_message: u64,
    /// The supergroup that this group has become.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) migrated_to: Option<i64>,
}

/// A message and what the page needs beside it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Kept {
    #[serde(flatten)]
    pub(super) message: Message,
    /// Does it ask for a reply?
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) force_reply: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) reactions: Vec<String>,
}

impl Kept {
    pub(super) fn plain(message: Message) -> Self {
        Self { message, force_reply: false, reactions: Vec::new() }
    }
}
