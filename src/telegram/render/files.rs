//! Files to send, as calls: alone or in albums (<https://core.telegram.org/bots/api#sendmediagroup>).

use serde_json::{Map, Value, json};

use super::{Addressee, Call, Part, split};
use crate::{
    locale::Locales,
    model::{Attachment, FileKind, Message, Shape, Source},
};

/// The longest words under a file, in UTF-16 units after the markup is taken out
/// (<https://core.telegram.org/bots/api#sendphoto>).
const LONGEST_CAPTION: usize = 1024;
/// The most files of an album.
const MOST_FILES: usize = 10;
/// So much is sent along in one call, in bytes: it must be there while the claim on the conversation lasts.
const MOST_SENT_ALONG: u64 = 20 << 20;

/// What goes together in an album.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Family {
    Pictures,
    Documents,
    Music,
    Alone,
}

/// The calls that send a message's files, in their order, and the words if they don't fit under them. Of a sticker
/// or a round video nothing is under.
pub(super) fn calls<'a>(
    message: &'a Message,
    to: &Addressee<'_>,
    locales: &Locales,
) -> (Vec<Call>, Option<&'a Message>) {
    let groups = grouped(&message.files);
    let words = split::split(&locales.render(&message.text, to.language), LONGEST_CAPTION);
    let takes_words = groups
        .first()
        .is_some_and(|group| group[0].kind != FileKind::Sticker && group[0].shape != Some(Shape::Round));
    let fits = takes_words && message.buttons.is_empty() && !message.force_reply && words.len() == 1;
    let caption = words.into_iter().next().filter(|words| fits && split::is_visible(words));
    let mut calls: Vec<Call> = groups.iter().map(|group| sent(group, to)).collect();
    if let (Some(caption), Some(call)) = (&caption, calls.first_mut()) {
        put_under(call, caption);
    }
    let is_silent =
        !split::is_visible(&locales.plain(&message.text, to.language)) && message.buttons.is_empty();
    (calls, (caption.is_none() && !is_silent).then_some(message))
}

fn family(file: &Attachment) -> Family {
    match (file.kind, file.shape) {
        (_, Some(_)) | (FileKind::Voice | FileKind::Sticker, _) => Family::Alone,
        (FileKind::Photo | FileKind::Video, None) => Family::Pictures,
        (FileKind::Document, None) => Family::Documents,
        (FileKind::Audio, None) => Family::Music,
    }
}

fn grouped(files: &[Attachment]) -> Vec<Vec<&Attachment>> {
    let mut groups: Vec<Vec<&Attachment>> = Vec::new();
    for file in files {
        let fits = groups.last().is_some_and(|group| {
            family(file) != Family::Alone
                && family(file) == family(group[0])
                && group.len() < MOST_FILES
                && group.iter().map(|other| sent_along(other)).sum::<u64>() + sent_along(file)
                    <= MOST_SENT_ALONG
        });
        match groups.last_mut().filter(|_| fits) {
            Some(group) => group.push(file),
            None => groups.push(vec![file]),
        }
    }
    groups
}

fn sent_along(file: &Attachment) -> u64 {
    match &file.source {
        Source::Telegram(_) => 0,
        Source::Kept { size, .. } => *size,
    }
}

/// The call that sends these files.
fn sent(group: &[&Attachment], to: &Addressee<'_>) -> Call {
    let mut parameters = Map::from_iter([("chat_id".to_owned(), to.conversation.chat.into())]);
    if to.conversation.thread != 0 {
        parameters.insert("message_thread_id".to_owned(), to.conversation.thread.into());
    }
    let mut uploads = Vec::new();
    let mut media = |file: &Attachment| match &file.source {
        Source::Telegram(id) => id.clone(),
        Source::Kept { blob, mime, size } => {
            let part = format!("file{}", uploads.len());
            uploads.push(Part { part: part.clone(), blob: blob.clone(), mime: mime.clone(), size: *size });
            format!("attach://{part}")
        }
    };
    let method = match group {
        [file] => {
            let (method, name) = method(file);
            parameters.insert(name.to_owned(), media(file).into());
            method
        }
        several => {
            let item = |file: &&Attachment| json!({ "type": method(file).1, "media": media(file) });
            parameters.insert("media".to_owned(), several.iter().map(item).collect());
            "sendMediaGroup"
        }
    };
    Call { method, parameters: parameters.into(), uploads }
}

/// The method that sends a file alone, and what it calls the file.
fn method(file: &Attachment) -> (&'static str, &'static str) {
    match (file.shape, file.kind) {
        (Some(Shape::Round), _) => ("sendVideoNote", "video_note"),
        (Some(Shape::Silent), _) => ("sendAnimation", "animation"),
        (None, FileKind::Photo) => ("sendPhoto", "photo"),
        (None, FileKind::Document) => ("sendDocument", "document"),
        (None, FileKind::Voice) => ("sendVoice", "voice"),
        (None, FileKind::Audio) => ("sendAudio", "audio"),
        (None, FileKind::Video) => ("sendVideo", "video"),
        (None, FileKind::Sticker) => ("sendSticker", "sticker"),
    }
}

/// Of an album the first file has the words: then they are shown under all of them.
fn put_under(call: &mut Call, caption: &str) {
    let place = match call.parameters.get_mut("media").and_then(|media| media.get_mut(0)) {
        Some(first) => first,
        None => &mut call.parameters,
    };
    if let Value::Object(place) = place {
        place.insert("caption".to_owned(), caption.into());
        place.insert("parse_mode".to_owned(), "HTML".into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ConversationId, Text};

    fn by_id(kind: FileKind) -> Attachment {
        Attachment { kind, shape: None, source: Source::Telegram(format!("{kind:?}")) }
    }

    fn kept(kind: FileKind, megabytes: u64) -> Attachment {
        let (blob, mime) = ("operations/w/f".to_owned(), "image/png".to_owned());
        Attachment { kind, shape: None, source: Source::Kept { blob, mime, size: megabytes << 20 } }
    }

    /// The methods, each with how many files it sends, and whether words are left for a message of their own.
    fn sends(files: Vec<Attachment>, words: &str) -> (Vec<(&'static str, usize)>, bool) {
        let conversation: ConversationId = "operations:7:0:7".parse().unwrap();
        let to = Addressee { conversation: &conversation, language: None, message_id: None, reply_to: None };
        let message = Message { files, ..Message::plain(Text::literal(words)) };
        let (calls, rest) = calls(&message, &to, &Locales::default());
        let count = |call: &Call| call.parameters["media"].as_array().map_or(1, Vec::len);
        (calls.iter().map(|call| (call.method, count(call))).collect(), rest.is_some())
    }

    #[test]
    fn what_goes_together_is_an_album_of_at_most_ten() {
        use FileKind::{Audio, Document, Photo, Sticker, Video, Voice};
        let all = |kinds: &[FileKind]| sends(kinds.iter().map(|kind| by_id(*kind)).collect(), "Look").0;
        assert_eq!(all(&[Photo]), [("sendPhoto", 1)]);
        assert_eq!(all(&[Photo, Video, Photo]), [("sendMediaGroup", 3)]);
        assert_eq!(all(&[Photo, Document, Document]), [("sendPhoto", 1), ("sendMediaGroup", 2)]);
        assert_eq!(
            all(&[Audio, Audio, Voice, Voice]),
            [("sendMediaGroup", 2), ("sendVoice", 1), ("sendVoice", 1)]
        );
        assert_eq!(all(&[Sticker, Video]), [("sendSticker", 1), ("sendVideo", 1)]);
        assert_eq!(all(&[Photo; 21]), [("sendMediaGroup", 10), ("sendMediaGroup", 10), ("sendPhoto", 1)]);
        let round = Attachment { shape: Some(Shape::Round), ..by_id(Video) };
        let silent = Attachment { shape: Some(Shape::Silent), ..by_id(Video) };
        let (calls, _) = sends(vec![by_id(Video), silent, round], "");
        assert_eq!(calls, [("sendVideo", 1), ("sendAnimation", 1), ("sendVideoNote", 1)]);
    }

    #[test]
    fn what_is_sent_along_is_not_too_much_at_once() {
        let (calls, _) = sends(vec![kept(FileKind::Photo, 8); 5], "");
        assert_eq!(calls, [("sendMediaGroup", 2), ("sendMediaGroup", 2), ("sendPhoto", 1)]);
    }

    #[test]
    fn words_are_under_the_first_file_where_they_fit() {
        let photo = || vec![by_id(FileKind::Photo)];
        assert!(!sends(photo(), "Look").1);
        assert!(!sends(photo(), "").1, "nothing is said");
        assert!(!sends(photo(), &"x".repeat(1024)).1);
        assert!(sends(photo(), &"x".repeat(1025)).1);
        assert!(sends(vec![by_id(FileKind::Sticker)], "Look").1);
    }
}
