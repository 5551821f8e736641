//! Files that are neither photos nor plain documents: voice, music, video, animations and stickers.

use serde::{Deserialize, Serialize};

use super::world::File;

/// What sort of file a message holds, beside photos and documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MediaKind {
    /// A voice message.
    Voice,
    /// Music.
    Audio,
    /// A video.
    Video,
    /// A round video.
    VideoNote,
    /// A video without sound.
    Animation,
    /// A sticker.
    Sticker,
}

impl MediaKind {
    pub(super) const ALL: [Self; 6] =
        [Self::Voice, Self::Audio, Self::Video, Self::VideoNote, Self::Animation, Self::Sticker];

    /// As the Bot API calls it, in parameters and in file ids of the fake.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Voice => "voice",
            Self::Audio => "audio",
            Self::Video => "video",
            Self::VideoNote => "video_note",
            Self::Animation => "animation",
            Self::Sticker => "sticker",
        }
    }

    /// As Telegram calls it in refusals.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Voice => "VoiceNote",
            Self::Audio => "Audio",
            Self::Video => "Video",
            Self::VideoNote => "VideoNote",
            Self::Animation => "Animation",
            Self::Sticker => "Sticker",
        }
    }
}

/// The file of a message; each type of <https://core.telegram.org/bots/api#available-types> uses the fields that it has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Clip {
    pub(super) file_id: String,
    pub(super) file_unique_id: String,
    pub(super) file_size: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) file_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) mime_type: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) duration: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) width: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) height: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) length: Option<u32>,
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub(super) kind: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) is_animated: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) is_video: Option<bool>,
}

/// The fields of a message of which at most one is there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Media {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) voice: Option<Clip>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) audio: Option<Clip>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) video: Option<Clip>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) video_note: Option<Clip>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) animation: Option<Clip>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) sticker: Option<Clip>,
}

impl Media {
    /// The file of this id as media of this kind. The fake looks at no content: everything lasts a second.
    pub(super) fn of(kind: MediaKind, id: &str, file: &File) -> Self {
        let plain = Clip {
            file_id: format!("{id}-{}", kind.name()),
            file_unique_id: format!("{id}{}", kind.name()),
            file_size: file.bytes.len(),
            ..Clip::default()
        };
        let mime_type = Some(file.mime.clone());
        let (duration, width, height) = (Some(1), Some(640), Some(480));
        let named =
            |clip: Clip| Clip { file_name: Some(file.name.clone()), mime_type: mime_type.clone(), ..clip };
        let clip = match kind {
            MediaKind::Voice => Clip { mime_type, duration, ..plain },
            MediaKind::Audio => Clip { duration, ..named(plain) },
            MediaKind::Video | MediaKind::Animation => Clip { duration, width, height, ..named(plain) },
            MediaKind::VideoNote => Clip { duration, length: Some(240), ..plain },
            MediaKind::Sticker => {
                let (is_animated, is_video) = (Some(false), Some(false));
                let kind = Some("regular".to_owned());
                Clip { width: Some(512), height: Some(512), kind, is_animated, is_video, ..plain }
            }
        };
        let mut media = Self::default();
        *media.slot(kind) = Some(clip);
        media
    }

    fn slot(&mut self, kind: MediaKind) -> &mut Option<Clip> {
        match kind {
            MediaKind::Voice => &mut self.voice,
            MediaKind::Audio => &mut self.audio,
            MediaKind::Video => &mut self.video,
            MediaKind::VideoNote => &mut self.video_note,
            MediaKind::Animation => &mut self.animation,
            MediaKind::Sticker => &mut self.sticker,
        }
    }
}

/// What a file id was given for: `Photo`, `Document`, or one of the rest. Telegram sends a file by its id as nothing else
/// (<https://core.telegram.org/bots/api#sending-files>).
pub(super) fn kind_of(file_id: &str) -> &'static str {
    match file_id.split_once('-') {
        None => "Document",
        Some((_, kind)) => {
            MediaKind::ALL.into_iter().find(|known| known.name() == kind).map_or("Photo", MediaKind::title)
        }
    }
}
