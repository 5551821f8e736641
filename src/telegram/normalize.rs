//! Turns an update into an input, in our own words.

mod command;
mod content;

use command::{Command, command};
use content::content;

use super::update::{
    CallbackQuery, Chat, ChatMember, ChatMemberUpdated, Envelope, Error, Maybe, Message, User,
};
use crate::model::{
    BotSlug, ChatKind, ConversationId, Input, InputKey, Person, Timestamp, TraceParent, What,
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

/// A group that became a supergroup says so twice: in the old chat, and in the new one
/// (<https://core.telegram.org/bots/api#message>). To us both are one: the chat of old has another id now.
fn moved(message: &Message) -> Option<Seen> {
    let here = message.chat.as_ref().filter(|chat| chat_kind(chat) == ChatKind::Group)?;
    let (from, to) = match (*message.migrate_to_chat_id, *message.migrate_from_chat_id) {
        (Some(to), _) => (here.id, to),
        (None, Some(from)) => (from, here.id),
        (None, None) => return None,
    };
    if from >= 0 || to >= 0 || from == to {
        return None;
    }
    let chat = Chat { id: from, ..here.clone() };
    Some(Seen { chat: Some(chat), message_id: None, ..Seen::of(&Message::default(), What::Moved { to }) })
}

fn said(message: Message, body: &str, kind: &str, bot_username: Option<&str>) -> Seen {
    if let Some(moved) = moved(&message) {
        return moved;
    }
    let command = message.text.as_deref().and_then(|text| command(&message, text));
    let what = match (unwanted(&message), command) {
        (Some(why), _) => ignored(&format!("{kind}.{why}")),
        (None, Some(command)) if is_for_another_bot(&command, &message, bot_username) => {
            ignored(&format!("{kind}.command_for_another_bot"))
        }
        (None, Some(Command { name, payload, .. })) => {
            What::Command { name: name.to_ascii_lowercase(), payload: payload.map(str::to_owned) }
        }
        (None, None) => match content(&message, body) {
            Ok(content) => What::Said(content),
            Err(service) => ignored(&format!("{kind}.{service}")),
        },
    };
    Seen::of(&message, what)
}

/// In private there is nobody else a command could be for.
fn is_for_another_bot(command: &Command<'_>, message: &Message, bot_username: Option<&str>) -> bool {
    let private = message.chat.as_ref().is_none_or(|chat| chat_kind(chat) == ChatKind::Private);
    let names_another = command
        .bot
        .zip(bot_username)
        .is_some_and(|(named, ours)| !named.eq_ignore_ascii_case(ours.trim_start_matches('@')));
    names_another && !private
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
        .map_or_else(|| ignored(kind), |reachable| What::Membership { reachable, via: None });
    // In a group it concerns the chat, whoever did it.
    let is_private = change.chat.as_ref().is_none_or(|chat| chat_kind(chat) == ChatKind::Private);
    let from = if is_private { change.from } else { Maybe::default() };
    Seen::of(&Message { chat: change.chat, from, ..Message::default() }, what)
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
