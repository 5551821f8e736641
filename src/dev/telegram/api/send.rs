//! Methods that make messages, and `sendChatAction`.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    super::{
        html,
        parameters::Parameters,
        refusal::Refusal,
        text,
        wire::{Content, Entity, Location},
        world::World,
    },
    Outcome,
    markup::Markup,
    media, room,
};

/// The most characters under a photo or file (<https://core.telegram.org/bots/api#sendphoto>).
const LONGEST_CAPTION: usize = 1024;

pub(super) fn message(world: &mut World, bot: usize, parameters: &Parameters) -> Outcome {
    let content = text_content(parameters)?;
    send(world, bot, parameters, content)
}

pub(super) fn photo(world: &mut World, bot: usize, parameters: &Parameters) -> Outcome {
    let content = captioned(&parameters.text("caption"), parameters)?;
    let content = media::attached(world, parameters, &parameters.text("photo"), "photo", content)?;
    send(world, bot, parameters, content)
}

pub(super) fn document(world: &mut World, bot: usize, parameters: &Parameters) -> Outcome {
    let content = captioned(&parameters.text("caption"), parameters)?;
    let content = media::attached(world, parameters, &parameters.text("document"), "document", content)?;
    send(world, bot, parameters, content)
}

pub(super) fn location(world: &mut World, bot: usize, parameters: &Parameters) -> Outcome {
    let degrees = |name: &str, most: f64| parameters.decimal(name).filter(|degrees| degrees.abs() <= most);
    let (Some(latitude), Some(longitude)) = (degrees("latitude", 90.0), degrees("longitude", 180.0)) else {
        return Err(Refusal::bad("latitude and longitude must be specified"));
    };
    let location = Some(Location { latitude, longitude, live_period: None });
    send(world, bot, parameters, Content { location, ..Content::default() })
}

/// One item of `sendMediaGroup`.
#[derive(Deserialize)]
struct Item {
    #[serde(rename = "type")]
    kind: String,
    media: String,
    #[serde(default)]
    caption: String,
    #[serde(default)]
    parse_mode: String,
    #[serde(default)]
    caption_entities: Vec<Entity>,
}

pub(super) fn album(world: &mut World, bot: usize, parameters: &Parameters) -> Outcome {
    let items: Vec<Item> = parameters.json("media")?.unwrap_or_default();
    media::check_album(items.iter().map(|item| item.kind.as_str()))?;
    room(world, bot, parameters)?;
    let group = Some(format!("{}{}", world.bots[bot].settings.next_message, world.date()));
    // All of them or none.
    let mut contents = Vec::with_capacity(items.len());
    for item in items {
        let content = marked_caption(&item.caption, &item.parse_mode, item.caption_entities)?;
        let content = media::attached(world, parameters, &item.media, &item.kind, content)?;
        contents.push(Content { media_group_id: group.clone(), ..content });
    }
    let sent: Result<Vec<Value>, Refusal> =
        contents.into_iter().map(|content| Ok(send(world, bot, parameters, content)?.result)).collect();
    Ok(Value::from(sent?).into())
}

pub(super) fn action(world: &mut World, bot: usize, parameters: &Parameters) -> Outcome {
    const ACTIONS: [&str; 11] = [
        "typing",
        "upload_photo",
        "record_video",
        "upload_video",
        "record_voice",
        "upload_voice",
        "upload_document",
        "choose_sticker",
        "find_location",
        "record_video_note",
        "upload_video_note",
    ];
    let key = room(world, bot, parameters)?;
    let action = parameters.text("action");
    if !ACTIONS.contains(&action.as_str()) {
        return Err(Refusal::bad("wrong parameter action in request"));
    }
    world.tell(|| json!({ "news": "action", "room": key.to_string(), "action": action }));
    Ok(json!(true).into())
}

/// Puts the content into the room that the parameters name.
pub(super) fn send(world: &mut World, bot: usize, parameters: &Parameters, content: Content) -> Outcome {
    let markup = Markup::of(parameters)?;
    let key = room(world, bot, parameters)?;
    let reply_to = reply_to(world, &key, parameters)?;
    let user = world.bots[bot].user.clone();
    let mut kept = world.post(&key, user, content, reply_to);
    world.put_into_topic(&key, &mut kept.message, parameters.integer("message_thread_id"));
    match markup {
        Markup::None => {}
        Markup::Inline(keyboard) => kept.message.reply_markup = Some(keyboard),
        Markup::Keyboard(keyboard) => world.change_room(&key, |about| about.keyboard = Some(keyboard)),
        Markup::RemoveKeyboard => world.change_room(&key, |about| about.keyboard = None),
        Markup::ForceReply => kept.force_reply = true,
    }
    let result = json!(kept.message);
    world.show(&key, kept);
    Ok(result.into())
}

/// The message that is answered; the older parameter still works at Telegram.
fn reply_to(world: &World, key: &super::RoomKey, parameters: &Parameters) -> Result<Option<i64>, Refusal> {
    let reply: Option<Value> = parameters.json("reply_parameters")?;
    let field = |name: &str| reply.as_ref().and_then(|reply| reply.get(name));
    let wanted =
        field("message_id").and_then(Value::as_i64).or_else(|| parameters.integer("reply_to_message_id"));
    let lenient = field("allow_sending_without_reply").and_then(Value::as_bool).unwrap_or(false)
        || parameters.flag("allow_sending_without_reply");
    match wanted {
        Some(id) if !lenient && !world.rooms[key].messages.contains_key(&id) => {
            Err(Refusal::bad("message to be replied not found"))
        }
        wanted => Ok(wanted),
    }
}

/// The text of a message and its entities.
pub(super) fn text_content(parameters: &Parameters) -> Result<Content, Refusal> {
    let entities = parameters.json("entities")?.unwrap_or_default();
    let (words, entities) = marked(&parameters.text("text"), &parameters.text("parse_mode"), entities)?;
    if words.is_empty() {
        return Err(Refusal::bad("message text is empty"));
    }
    if words.chars().count() > text::LONGEST {
        return Err(Refusal::bad("message is too long"));
    }
    Ok(Content { text: Some(words), entities, ..Content::default() })
}

/// The words under a photo or file.
pub(super) fn captioned(words: &str, parameters: &Parameters) -> Result<Content, Refusal> {
    let entities = parameters.json("caption_entities")?.unwrap_or_default();
    marked_caption(words, &parameters.text("parse_mode"), entities)
}

fn marked_caption(words: &str, parse_mode: &str, entities: Vec<Entity>) -> Result<Content, Refusal> {
    let (words, caption_entities) = marked(words, parse_mode, entities)?;
    if words.chars().count() > LONGEST_CAPTION {
        return Err(Refusal::bad("message caption is too long"));
    }
    Ok(Content { caption: (!words.is_empty()).then_some(words), caption_entities, ..Content::default() })
}

/// Words and entities as `parse_mode`, or else what was `given`, says.
fn marked(words: &str, parse_mode: &str, given: Vec<Entity>) -> Result<(String, Vec<Entity>), Refusal> {
    if words.len() > 1 << 15 {
        return Err(Refusal::bad("text is too long"));
    }
    match parse_mode.to_ascii_lowercase().as_str() {
        "" => {
            let length = text::utf16(words);
            if let Some(Entity { offset, .. }) = given.iter().find(|e| e.offset + e.length > length) {
                return Err(Refusal::bad(format_args!(
                    "entity beginning at UTF-16 offset {offset} ends after the end of the text at UTF-16 offset {length}"
                )));
            }
            let words = words.trim();
            Ok((words.to_owned(), text::with_found(words, given)))
        }
        "html" => html::parse(words).map_err(|why| Refusal::bad(format_args!("can't parse entities: {why}"))),
        _ => Err(Refusal::bad("unsupported parse_mode")),
    }
}
