//! Turns an update into an input, in our own words.

use crate::model::{
    BotSlug, ChatKind, Content, ConversationId, FileKind, FileRef, Input, InputKey, Person, Place, Timestamp,
    TraceParent, What,
};

use super::update::{
    CallbackQuery, Chat, ChatMember, ChatMemberUpdated, Envelope, Error, Fields, File, Location, Maybe,
    Message, User,
};

/// What `raw` means to `bot`, which people address as `@{bot_username}` (without a name every command counts as meant
/// for it). The same bytes always give the same input. Whatever we have no use for is `What::Ignored`.
///
/// # Errors
/// If the bytes are no update at all.
pub fn normalize(
    bot: &BotSlug,
    bot_username: Option<&str>,
    raw: &[u8],
    at: Timestamp,
    trace: TraceParent,
) -> Result<Input, Error> {
    let Envelope { update_id, kind, body } = Envelope::parse(raw)?;
    let seen = match &*kind {
        "message" | "channel_post" => said(read(body), body, &kind, bot_username),
        "edited_message" | "edited_channel_post" => edited(read(body), body, &kind),
        "callback_query" => pressed(read(body), &kind),
        "my_chat_member" => membership(read(body), &kind),
        "" => Seen::of(&Message::default(), ignored("empty")),
        _ => Seen::of(&read(body), ignored(&kind)),
    };
    let chat = seen.chat.as_ref().map_or(0, |chat| chat.id);
    let user = seen.from.as_ref().map_or(chat, |person| person.id);
    Ok(Input {
        key: InputKey::update(bot, update_id),
        at,
        conversation: ConversationId {
            bot: bot.clone(),
            chat: if chat == 0 { user } else { chat },
            thread: seen.thread,
            user,
        },
        chat: seen.chat.as_ref().map(chat_kind).unwrap_or_default(),
        from: seen.from,
        message_id: seen.message_id,
        reply_to: seen.reply_to,
        trace,
        what: seen.what,
    })
}

/// A body that is not even an object reads as one without fields.
fn read<T: serde::de::DeserializeOwned + Default>(body: &str) -> T {
    Maybe::read(body).0.unwrap_or_default()
}

fn ignored(kind: &str) -> What {
    What::Ignored { kind: kind.chars().take(64).collect() }
}

/// What every update may tell.
struct Seen {
    chat: Option<Chat>,
    thread: i64,
    from: Option<Person>,
    message_id: Option<i64>,
    reply_to: Option<i64>,
    what: What,
}

impl Seen {
    fn of(message: &Message, what: What) -> Self {
        // Who writes as a chat has a made-up `from`: <https://core.telegram.org/bots/api#message> (`sender_chat`).
        let from = match &*message.sender_chat {
            Some(chat) => Some(signing(chat)),
            None => message.from.as_ref().or(message.user.as_ref()).map(person),
        };
        let in_topic = message.is_topic_message.unwrap_or(false);
        Self {
            chat: message.chat.0.clone(),
            thread: message.message_thread_id.filter(|_| in_topic).unwrap_or(0),
            from,
            message_id: *message.message_id,
            reply_to: message.reply_to_message.as_ref().map(|replied| replied.message_id),
            what,
        }
    }
}

fn said(message: Message, body: &str, kind: &str, bot_username: Option<&str>) -> Seen {
    let what = match (unwanted(&message), message.text.as_deref().and_then(|text| command(&message, text))) {
        (Some(why), _) => ignored(&format!("{kind}.{why}")),
        (None, Some(command)) => {
            let elsewhere = command
                .bot
                .zip(bot_username)
                .is_some_and(|(named, ours)| !named.eq_ignore_ascii_case(ours.trim_start_matches('@')));
            let private = message.chat.as_ref().is_none_or(|chat| chat_kind(chat) == ChatKind::Private);
            if elsewhere && !private {
                ignored(&format!("{kind}.command_for_another_bot"))
            } else {
                What::Command {
                    name: command.name.to_ascii_lowercase(),
                    payload: command.payload.map(str::to_owned),
                }
            }
        }
        (None, None) => match content(&message, body) {
            Ok(content) => What::Said(content),
            Err(service) => ignored(&format!("{kind}.{service}")),
        },
    };
    Seen::of(&message, what)
}

fn edited(message: Message, body: &str, kind: &str) -> Seen {
    let what = match (unwanted(&message), content(&message, body)) {
        (None, Ok(content)) => What::Edited(content),
        (Some(why), _) => ignored(&format!("{kind}.{why}")),
        (None, Err(service)) => ignored(&format!("{kind}.{service}")),
    };
    Seen::of(&message, what)
}

/// Messages that we do not answer whatever they say: other bots (two bots would answer each other for ever), and the
/// direct messages of a channel (an answer needs a topic that our conversations do not know).
fn unwanted(message: &Message) -> Option<&'static str> {
    if message.direct_messages_topic.is_some() {
        Some("direct_messages_topic")
    } else if message.sender_chat.is_none()
        && message.from.as_ref().is_some_and(|user| *user.is_bot == Some(true))
    {
        Some("from_a_bot")
    } else {
        None
    }
}

struct Command<'a> {
    name: &'a str,
    bot: Option<&'a str>,
    payload: Option<&'a str>,
}

/// A text that is a command: as Telegram marked it, or by its look.
fn command<'a>(message: &Message, text: &'a str) -> Option<Command<'a>> {
    let marked = message.entities.0.iter();
    let marked = marked
        .filter(|entity| entity.offset == 0 && entity.kind == "bot_command")
        .map(|entity| entity.length);
    let by_look = text.find(char::is_whitespace).unwrap_or(text.len());
    // A command is ASCII, so Telegram's UTF-16 units are bytes here.
    let (word, rest) = marked.chain([by_look]).find_map(|length| {
        let (word, rest) = text.split_at_checked(length)?;
        word.is_ascii().then_some((word, rest.trim()))
    })?;
    let word = word.strip_prefix('/')?;
    let (name, bot) = word.split_once('@').map_or((word, None), |(name, bot)| (name, Some(bot)));
    let fits = |name: &str| !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    (fits(name) && name.len() <= 64 && bot.is_none_or(fits)).then_some(Command {
        name,
        bot,
        payload: Some(rest).filter(|rest| !rest.is_empty()),
    })
}

/// What somebody sent, or Telegram's name for something that nobody sent (a service message).
fn content(message: &Message, body: &str) -> Result<Content, String> {
    if let Some(text) = &*message.text {
        return Ok(Content::Text(text.clone()));
    }
    if let Some((kind, file)) = file(message) {
        return Ok(Content::File {
            file: file_ref(kind, file),
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
fn file(message: &Message) -> Option<(FileKind, &File)> {
    let photo = message.photo.0.iter();
    let area = |size: &&File| u64::from(size.width.unwrap_or(0)) * u64::from(size.height.unwrap_or(0));
    if let Some(largest) = photo.max_by_key(area) {
        return Some((FileKind::Photo, largest));
    }
    let files = [
        (FileKind::Video, &message.animation),
        (FileKind::Video, &message.video),
        (FileKind::Video, &message.video_note),
        (FileKind::Voice, &message.voice),
        (FileKind::Audio, &message.audio),
        (FileKind::Sticker, &message.sticker),
        (FileKind::Document, &message.document),
    ];
    files.into_iter().find_map(|(kind, file)| Some((kind, file.as_ref()?)))
}

fn file_ref(kind: FileKind, file: &File) -> FileRef {
    FileRef {
        kind,
        id: file.file_id.clone(),
        unique_id: file.file_unique_id.clone().0.unwrap_or_default(),
        name: file.file_name.0.clone(),
        mime: file.mime_type.0.clone(),
        size: *file.file_size,
    }
}

fn place(spot: Location) -> Option<Place> {
    let Location { latitude, longitude } = spot;
    let on_earth = latitude.abs() <= 90.0 && longitude.abs() <= 180.0;
    on_earth.then_some(Place { latitude, longitude })
}

fn pressed(query: CallbackQuery, kind: &str) -> Seen {
    let CallbackQuery { id, from, message, data } = query;
    let what = match (data.0, id.0) {
        (Some(data), Some(callback)) => What::Press { data, callback },
        _ => ignored(kind),
    };
    // The message is the bot's own; who pressed stands beside it.
    let message = message.0.unwrap_or_default();
    let from = from.as_ref().map(person);
    Seen { from, reply_to: None, ..Seen::of(&message, what) }
}

fn membership(change: ChatMemberUpdated, kind: &str) -> Seen {
    let what = change
        .new_chat_member
        .as_ref()
        .and_then(reachable)
        .map_or_else(|| ignored(kind), |reachable| What::Membership { reachable });
    Seen::of(&Message { chat: change.chat, from: change.from, ..Message::default() }, what)
}

/// May the bot, being this kind of member, write to the chat? <https://core.telegram.org/bots/api#chatmember>
fn reachable(bot: &ChatMember) -> Option<bool> {
    match bot.status.as_str() {
        "creator" | "administrator" | "member" => Some(true),
        "restricted" => Some(bot.is_member.unwrap_or(true) && bot.can_send_messages.unwrap_or(true)),
        "left" | "kicked" => Some(false),
        _ => None,
    }
}

fn chat_kind(chat: &Chat) -> ChatKind {
    match chat.kind.as_deref() {
        Some("private") => ChatKind::Private,
        Some("channel") => ChatKind::Channel,
        Some("group" | "supergroup") => ChatKind::Group,
        _ if chat.id < 0 => ChatKind::Group,
        _ => ChatKind::Private,
    }
}

fn person(user: &User) -> Person {
    Person {
        id: user.id,
        name: named(full_name(&user.first_name, &user.last_name), &user.username),
        language: user.language_code.clone().0.filter(|tag| !tag.is_empty()),
    }
}

fn signing(chat: &Chat) -> Person {
    let title = chat.title.clone().0.unwrap_or_else(|| full_name(&chat.first_name, &chat.last_name));
    Person { id: chat.id, name: named(title, &chat.username), language: None }
}

fn full_name(first: &Maybe<String>, last: &Maybe<String>) -> String {
    let names = [first, last].into_iter().filter_map(|name| name.as_deref()).map(str::trim);
    names.filter(|name| !name.is_empty()).collect::<Vec<_>>().join(" ")
}

fn named(name: String, username: &Maybe<String>) -> String {
    if name.trim().is_empty() { username.clone().0.unwrap_or_default() } else { name }
}
