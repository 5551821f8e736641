//! What a message holds, in our own words.

use crate::{
    model::{Content, FileKind, FileRef, Place, Shape},
    telegram::update::{Fields, File, Location, Message},
};

use super::full_name;

/// What somebody sent, or Telegram's name for something that nobody sent (a service message).
pub(super) fn content(message: &Message, body: &str) -> Result<Content, String> {
    if let Some(text) = &*message.text {
        return Ok(Content::Text(text.clone()));
    }
    if let Some((kind, shape, file)) = file(message) {
        return Ok(Content::File {
            file: FileRef { shape, ..file_ref(kind, file) },
            caption: message.caption.0.clone(),
            album: message.media_group_id.0.clone(),
        });
    }
    let spot = message.venue.as_ref().and_then(|venue| *venue.location).or(*message.location);
    if let Some(place) = spot.and_then(place) {
        return Ok(Content::Location(place));
    }
    if let Some(contact) = &*message.contact {
        return Ok(Content::Contact {
            name: full_name(&contact.first_name, &contact.last_name),
            phone: contact.phone_number.clone(),
            user: *contact.user_id,
        });
    }
    let fields: Option<Fields<'_>> = serde_json::from_str(body).ok();
    let key = |known: &[&str]| {
        let found = fields.iter().flat_map(Fields::keys).find(|key| known.contains(key))?;
        Some(found.to_owned())
    };
    match key(&WORDLESS) {
        Some(kind) => Ok(Content::Other { kind }),
        None => Err(key(&SERVICE).unwrap_or_else(|| "unknown".to_owned())),
    }
}

/// What people send that we have no word for.
const WORDLESS: [&str; 12] = [
    "checklist",
    "dice",
    "game",
    "giveaway",
    "giveaway_winners",
    "invoice",
    "live_photo",
    "paid_media",
    "passport_data",
    "poll",
    "rich_message",
    "story",
];

/// The service messages worth telling apart in a transcript.
const SERVICE: [&str; 12] = [
    "chat_shared",
    "forum_topic_closed",
    "forum_topic_created",
    "group_chat_created",
    "left_chat_member",
    "migrate_from_chat_id",
    "migrate_to_chat_id",
    "new_chat_members",
    "new_chat_title",
    "pinned_message",
    "successful_payment",
    "web_app_data",
];

/// The message's file. An animation is sent as a document too, so that comes last.
fn file(message: &Message) -> Option<(FileKind, Option<Shape>, &File)> {
    let photo = message.photo.0.iter();
    let area = |size: &&File| u64::from(size.width.unwrap_or(0)) * u64::from(size.height.unwrap_or(0));
    if let Some(largest) = photo.max_by_key(area) {
        return Some((FileKind::Photo, None, largest));
    }
    let files = [
        (FileKind::Video, Some(Shape::Silent), &message.animation),
        (FileKind::Video, None, &message.video),
        (FileKind::Video, Some(Shape::Round), &message.video_note),
        (FileKind::Voice, None, &message.voice),
        (FileKind::Audio, None, &message.audio),
        (FileKind::Sticker, None, &message.sticker),
        (FileKind::Document, None, &message.document),
    ];
    files.into_iter().find_map(|(kind, shape, file)| Some((kind, shape, file.as_ref()?)))
}

fn file_ref(kind: FileKind, file: &File) -> FileRef {
    FileRef {
        kind,
        shape: None,
        id: file.file_id.clone(),
        unique_id: file.file_unique_id.clone().0.unwrap_or_default(),
        name: file.file_name.0.clone(),
        mime: file.mime_type.0.clone(),
        size: *file.file_size,
        caption: None,
    }
}

fn place(spot: Location) -> Option<Place> {
    let Location { latitude, longitude } = spot;
    let on_earth = latitude.abs() <= 90.0 && longitude.abs() <= 180.0;
    on_earth.then_some(Place { latitude, longitude })
}
