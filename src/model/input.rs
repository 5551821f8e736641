//! What reaches us, in our own words.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{ConversationId, EffectId, InputKey, Person, Place, Timestamp, TraceParent, WorkflowId};

/// One thing that happened to a conversation: an update, the passing of a deadline, a result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Input {
    /// What makes it itself, however often it arrives.
    pub key: InputKey,
    /// When it was stored first.
    #[serde(serialize_with = "super::in_one_piece")]
    pub at: Timestamp,
    /// Where it happened.
    pub conversation: ConversationId,
    /// Private chat, group, channel.
    #[serde(default)]
    pub chat: ChatKind,
    /// Who did it, if anybody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Person>,
    /// Telegram's id of the message that was written, or whose button was pressed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<i64>,
    /// Telegram's id of the message that this one replies to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<i64>,
    /// The trace it belongs to.
    pub trace: TraceParent,
    /// What happened.
    pub what: What,
}

impl Input {
    /// Something that no update told: the passing of a deadline, a result.
    #[must_use]
    pub fn of_ours(
        key: InputKey,
        at: Timestamp,
        conversation: ConversationId,
        trace: TraceParent,
        what: What,
    ) -> Self {
        let chat = ChatKind::default();
        Self { key, at, conversation, chat, from: None, message_id: None, reply_to: None, trace, what }
    }
}

/// The kind of chat an input came from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChatKind {
    /// One person and the bot.
    #[default]
    Private,
    /// A group or supergroup.
    Group,
    /// A channel.
    Channel,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// `/name payload`, meant for this bot (`/name@bot` is the same).
    Command {
        /// Lower case, without the slash and without `@bot`.
        name: String,
        /// What stood behind it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        payload: Option<String>,
    },
    /// Somebody wrote or sent something.
    Said(Content),
    /// Somebody changed what they had written, or their live location moved; no answer, but kept.
    Edited(Content),
    /// Somebody pressed a button.
    Press {
        /// What the button carried.
        data: String,
        /// Telegram's id of the press, for the toast.
        callback: String,
    },
    /// The person opened, blocked or left the chat with the bot (`my_chat_member`).
    Membership {
        /// May the bot write to this chat now?
        reachable: bool,
        /// The id of the chat, where that is a supergroup known by its old one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        via: Option<i64>,
    },
    /// The group became a supergroup, which Telegram knows by another id.
    Moved {
        /// That id.
        to: i64,
    },
    /// A deadline passed without an answer.
    Elapsed {
        /// Whose question.
        workflow: WorkflowId,
        /// Which question.
        question: String,
    },
    /// A call came back.
    Returned {
        /// Whose call.
        workflow: WorkflowId,
        /// Which call.
        call: String,
        /// What it gave, or why it failed for good.
        outcome: Result<Value, String>,
    },
    /// A person who was asked can't be reached.
    Unreachable {
        /// Whose question.
        workflow: WorkflowId,
        /// The question put by the effect that could not be delivered.
        question: String,
    },
    /// Another workflow started one that nobody chats with.
    Started {
        /// The new workflow.
        workflow: WorkflowId,
        /// The script it runs.
        script: String,
        /// What it is told.
        payload: Value,
        /// The effect that started it.
        by: EffectId,
    },
    /// An update that we keep and do nothing about.
    Ignored {
        /// Telegram's name for its kind, or why it is ignored.
        kind: String,
    },
}

/// What somebody sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    /// Words.
    Text(String),
    /// A file of any kind.
    File {
        /// The file.
        file: FileRef,
        /// The words under it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        caption: Option<String>,
        /// Files sent together share this (`media_group_id`).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        album: Option<String>,
    },
    /// A place.
    Location(Place),
    /// Somebody's address card.
    Contact {
        /// What they are called.
        name: String,
        /// Their telephone number.
        phone: String,
        /// Their Telegram user id, if they have one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        user: Option<i64>,
    },
    /// Something we have no word for.
    Other {
        /// Telegram's name for it.
        kind: String,
    },
}

/// A file that lies with Telegram: a claim check, never the bytes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FileRef {
    /// What it is.
    pub kind: FileKind,
    /// Of videos: a round one, or one without sound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shape: Option<Shape>,
    /// Telegram's handle, good for this bot.
    pub id: String,
    /// The same for every bot and over time; can't be used to fetch.
    pub unique_id: String,
    /// The name its sender gave it: never to be trusted as a path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its content type as its sender claims.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mime: Option<String>,
    /// Its size in bytes, if Telegram told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// The words under it, in an answer; what was sent has them beside it ([`Content::File`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caption: Option<String>,
}

/// Videos that Telegram takes for something of its own, and sends as nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// A round video message (`video_note`).
    Round,
    /// A video without sound (`animation`).
    Silent,
}

/// A copy of a file that is kept beyond what Telegram promises.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptFile {
    /// What it is.
    pub kind: FileKind,
    /// Its name among the kept files.
    pub blob: String,
    /// Its content type, as its content shows.
    pub mime: String,
    /// Its size in bytes.
    pub size: u64,
}

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileKind {
    /// A photo.
    Photo,
    /// Any file.
    Document,
    /// A voice message.
    Voice,
    /// Music.
    Audio,
    /// A video, an animation or a round video message.
    Video,
    /// A sticker.
    Sticker,
}
