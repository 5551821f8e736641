//! Methods that send voice, music, video, animations and stickers; and the rules of albums.

use super::{
    super::{
        act,
        media::{Media, MediaKind, kind_of},
        parameters::Parameters,
        photo,
        refusal::Refusal,
        wire::Content,
        world::World,
    },
    Outcome, files, send,
};

/// What a photo may have: 10 MB (<https://core.telegram.org/bots/api#sendphoto>).
const LARGEST_PHOTO: usize = 10 << 20;

/// `sendVoice`, `sendVideo` and the like.
pub(super) fn send(world: &mut World, bot: usize, parameters: &Parameters, kind: MediaKind) -> Outcome {
    let content = match kind {
        // These take no words (<https://core.telegram.org/bots/api#sendsticker>).
        MediaKind::Sticker | MediaKind::VideoNote => Content::default(),
        _ => send::captioned(&parameters.text("caption"), parameters)?,
    };
    let content = attached(world, parameters, &parameters.text(kind.name()), kind.name(), content)?;
    send::send(world, bot, parameters, content)
}

/// The content with the file that a parameter names: `given` is a known file's id, or `attach://part`; without one it is
/// the part called `name`. A file that is known is sent as what it is, or not at all.
pub(super) fn attached(
    world: &mut World,
    parameters: &Parameters,
    given: &str,
    name: &str,
    content: Content,
) -> Result<Content, Refusal> {
    let is_known = !given.is_empty() && !given.starts_with("attach://");
    let file = files::of(world, parameters, given, name)?;
    let kind = MediaKind::ALL.into_iter().find(|kind| kind.name() == name);
    let title = match (kind, name) {
        (Some(kind), _) => kind.title(),
        (None, "photo") => "Photo",
        _ => "Document",
    };
    if is_known && kind_of(given) != title {
        let is = kind_of(given);
        return Err(Refusal::bad(format_args!("can't use file of type {is} as {title}")));
    }
    let found = &world.files[&file];
    let size = found.bytes.len();
    Ok(match kind {
        Some(kind) => Content {
            media: Media::of(kind, &file, found),
            document: (kind == MediaKind::Animation).then(|| act::document(&file, found)),
            ..content
        },
        None if title == "Photo" && size > LARGEST_PHOTO => {
            return Err(Refusal::bad(format_args!(
                "file of size {size} bytes is too big for a photo; the maximum size is {LARGEST_PHOTO} bytes"
            )));
        }
        None if title == "Photo" => Content { photo: photo::sizes(&file, &found.bytes), ..content },
        None => Content { document: Some(act::document(&file, found)), ..content },
    })
}

/// Documents and music are albums of their own; photos and videos mix
/// (<https://core.telegram.org/bots/api#sendmediagroup>).
pub(super) fn check_album<'a>(kinds: impl ExactSizeIterator<Item = &'a str> + Clone) -> Result<(), Refusal> {
    if !(2..=10).contains(&kinds.len()) {
        return Err(Refusal::bad("wrong number of messages in the album: 2 to 10 are allowed"));
    }
    let known = ["photo", "video", "audio", "document", "animation", "live_photo"];
    if kinds.clone().any(|kind| !known.contains(&kind)) {
        return Err(Refusal::bad("can't parse InputMedia: type must be one of those that an album takes"));
    }
    if kinds.clone().any(|kind| kind == "animation") {
        return Err(Refusal::bad("animation can't be sent as part of an album"));
    }
    for alone in ["document", "audio"] {
        let count = kinds.clone().filter(|kind| *kind == alone).count();
        if count > 0 && count < kinds.len() {
            return Err(Refusal::bad(format_args!("{alone} can't be mixed with other media types")));
        }
    }
    Ok(())
}
