//! Keeping files: the activity that makes a copy of what lies with Telegram, and what can become of it.

use futures_util::future::join_all;
use serde::{Deserialize, Serialize};

use super::script::{Activity, Chat};
use crate::{
    model::{FileKind, FileRef, KeptFile, Text},
    text,
};

/// What a bot can fetch: 20 MB (<https://core.telegram.org/bots/api#getfile>).
pub const LARGEST_FETCHED: u64 = 20 << 20;

/// Makes a copy of a file. Every app has it: the runtime does the work. The copy's name is made from the workflow and the
/// file, so done twice it is done once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeepFile {
    /// What it is.
    pub kind: FileKind,
    /// Telegram's handle.
    pub id: String,
    /// The same for ever.
    pub unique_id: String,
    /// Its size in bytes, if Telegram told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
}

impl Activity for KeepFile {
    const NAME: &'static str = "keep-file";
    type Output = Keeping;
}

/// What became of a file that was to be kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Keeping {
    /// This is the copy.
    Kept(KeptFile),
    /// There is none.
    Lost(Loss),
}

/// Why there is no copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Loss {
    /// Telegram no longer has it.
    Gone,
    /// It is larger than a bot can fetch.
    TooLarge,
    /// Its content is not what such a file may hold.
    Unaccepted,
    /// It could not be done in hours; operators know.
    Failed,
}

impl Loss {
    /// What whoever sent the file is told.
    #[must_use]
    pub fn text(self) -> Text {
        match self {
            Self::Gone => text!("file-gone"),
            Self::TooLarge => text!("file-too-large", megabytes = (LARGEST_FETCHED >> 20).cast_signed()),
            Self::Unaccepted => text!("file-unaccepted"),
            Self::Failed => text!("file-not-kept"),
        }
    }
}

impl Chat {
    /// Makes copies of files, for as long as the business wants them, and waits for all. In the order of the files.
    pub fn keep(&self, files: &[FileRef]) -> impl Future<Output = Vec<Result<KeptFile, Loss>>> + use<> {
        let calls = files.iter().map(|file| {
            let FileRef { kind, id, unique_id, size, .. } = file.clone();
            self.call(KeepFile { kind, id, unique_id, size })
        });
        let calls: Vec<_> = calls.collect();
        async move {
            let done = join_all(calls).await.into_iter();
            let kept = done.map(|done| match done {
                Ok(Keeping::Kept(file)) => Ok(file),
                Ok(Keeping::Lost(why)) => Err(why),
                Err(_) => Err(Loss::Failed),
            });
            kept.collect()
        }
    }
}
