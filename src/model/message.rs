//! What a conversation is sent.

use serde::{Deserialize, Serialize};

use super::{FileKind, FileRef, KeptFile, Shape, Text};

/// One thing to send to a conversation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Delivery {
    /// A new message.
    Send(Send),
    /// A change to a message that was sent before.
    Edit(Edit),
    /// No message: from here on, whoever is here is spoken to in this language.
    Language {
        /// Its IETF tag; without one it is the language that Telegram tells.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        language: Option<String>,
    },
    /// A toast for whoever pressed a button.
    Answer {
        /// Telegram's id of the press (`callback_query.id`).
        callback: String,
        /// The toast; without one the button just stops glowing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        text: Option<Text>,
    },
}

/// A message to send.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Send {
    /// What it says and shows.
    pub message: Message,
    /// The question it puts, known by workflow and name; its message id is kept under it for a later [`Edit`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
}

/// A change to the message that put a question. If no such message is known, there is nothing to change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Edit {
    /// The question as in [`Send::prompt`]; empty if `message_id` says which message.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub prompt: String,
    /// Telegram's id of the message, where an input named it (the keyboard of a stale button).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<i64>,
    /// The new message; without one only the keyboard goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<Message>,
    /// Is the question over? Then its message id need not be kept any longer.
    #[serde(default)]
    pub closes: bool,
}

/// Words, files and buttons.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// The words; under files, if there are files.
    pub text: Text,
    /// Files, as albums where they go together.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<Attachment>,
    /// Rows of buttons under it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub buttons: Vec<Vec<Button>>,
    /// Asks Telegram to open a reply to this message, for questions that buttons can't answer.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub force_reply: bool,
}

impl Message {
    /// Words without buttons.
    #[must_use]
    pub fn plain(text: Text) -> Self {
        Self { text, files: Vec::new(), buttons: Vec::new(), force_reply: false }
    }
}

/// A file to send.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attachment {
    /// What it is sent as.
    pub kind: FileKind,
    /// Of videos: a round one, or one without sound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shape: Option<Shape>,
    /// Where it is.
    pub source: Source,
}

/// Where a file that is sent comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// From Telegram itself, by this bot's handle ([`FileRef::id`]).
    Telegram(String),
    /// From the files that are kept.
    Kept {
        /// Its name there.
        blob: String,
        /// Its content type.
        mime: String,
        /// Its size in bytes.
        size: u64,
    },
}

impl From<&FileRef> for Attachment {
    fn from(file: &FileRef) -> Self {
        Self { kind: file.kind, shape: file.shape, source: Source::Telegram(file.id.clone()) }
    }
}

impl From<&KeptFile> for Attachment {
    fn from(file: &KeptFile) -> Self {
        let KeptFile { kind, blob, mime, size } = file.clone();
        Self { kind, shape: None, source: Source::Kept { blob, mime, size } }
    }
}

/// A button under a message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Button {
    /// What it says.
    pub label: Text,
    /// What comes back when it is pressed: at most 64 bytes (<https://core.telegram.org/bots/api#inlinekeyboardbutton>).
    pub data: String,
}
