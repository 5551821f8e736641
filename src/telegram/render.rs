//! What is to be delivered, as calls of the Bot API (<https://core.telegram.org/bots/api#available-methods>).

mod files;
mod split;

use serde_json::{Map, Value, json};

use crate::{
    locale::Locales,
    model::{Button, ConversationId, Delivery, Edit, Message, Text},
};

/// The longest text of one message, in UTF-16 units after the markup is taken out
/// (<https://core.telegram.org/bots/api#sendmessage>).
const LONGEST_TEXT: usize = 4096;

/// The longest toast (<https://core.telegram.org/bots/api#answercallbackquery>), in UTF-16 units to be on the safe side.
const LONGEST_TOAST: usize = 200;

/// The most a button may carry, in bytes (<https://core.telegram.org/bots/api#inlinekeyboardbutton>).
const MOST_DATA: usize = 64;

/// What stands for a text without a visible character, which Telegram would refuse.
const NOTHING: &str = "…";

/// One call of the Bot API.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// The method's name.
    pub method: &'static str,
    /// Its parameters, a JSON object.
    pub parameters: Value,
    /// Kept files that it sends along.
    pub uploads: Vec<Part>,
}

/// A kept file that a call sends along.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// What the parameters call it (`attach://part`).
    pub part: String,
    /// Its name among the kept files.
    pub blob: String,
    /// Its content type.
    pub mime: String,
    /// Its size in bytes.
    pub size: u64,
}

/// Whom a delivery goes to, and what it refers to.
#[derive(Clone, Copy, Debug)]
pub struct Addressee<'a> {
    /// Where it goes.
    pub conversation: &'a ConversationId,
    /// The reader's language as an IETF tag, if known.
    pub language: Option<&'a str>,
    /// Telegram's id of the message that an [`Edit`] changes, unless the edit names one itself.
    pub message_id: Option<i64>,
    /// Telegram's id of the message that a new message replies to. In a group a forced reply is asked of its writer
    /// alone; without it, of everybody.
    pub reply_to: Option<i64>,
}

/// The calls that make this delivery, in order: a text that is too long for one message becomes several, the buttons
/// under the last; files go before words that don't fit under them. An edit of a message that nobody knows is no call.
#[must_use]
pub fn calls(delivery: &Delivery, to: &Addressee<'_>, locales: &Locales) -> Vec<Call> {
    match delivery {
        Delivery::Send(send) if send.message.files.is_empty() => send_message(&send.message, to, locales),
        Delivery::Send(send) => {
            let (mut calls, words) = files::calls(&send.message, to, locales);
            calls.extend(words.into_iter().flat_map(|message| send_message(message, to, locales)));
            calls
        }
        Delivery::Edit(edit) => edit_message(edit, to, locales).into_iter().collect(),
        Delivery::Language { .. } => Vec::new(),
        Delivery::Answer { callback, text } => vec![Call {
            method: "answerCallbackQuery",
            parameters: answer(callback, text.as_ref(), to.language, locales).into(),
            uploads: Vec::new(),
        }],
    }
}

/// The body of our answer to a webhook that answers a button press without a call of its own
/// (<https://core.telegram.org/bots/api#making-requests-when-getting-updates>). Telegram tells nobody how it went.
#[must_use]
pub fn webhook_answer(
    callback: &str,
    text: Option<&Text>,
    language: Option<&str>,
    locales: &Locales,
) -> Value {
    let mut body = answer(callback, text, language, locales);
    body.insert("method".to_owned(), "answerCallbackQuery".into());
    body.into()
}

fn send_message(message: &Message, to: &Addressee<'_>, locales: &Locales) -> Vec<Call> {
    let texts = split::split(&locales.render(&message.text, to.language), LONGEST_TEXT);
    let last = texts.len() - 1;
    let call = |(index, text)| {
        let mut parameters = text_parameters(to.conversation, text);
        if to.conversation.thread != 0 {
            parameters.insert("message_thread_id".to_owned(), to.conversation.thread.into());
        }
        if let Some(message_id) = to.reply_to.filter(|_| index == 0) {
            let reply = json!({ "message_id": message_id, "allow_sending_without_reply": true });
            parameters.insert("reply_parameters".to_owned(), reply);
        }
        if let Some(markup) = reply_markup(message, to, locales).filter(|_| index == last) {
            parameters.insert("reply_markup".to_owned(), markup);
        }
        Call { method: "sendMessage", parameters: parameters.into(), uploads: Vec::new() }
    };
    texts.into_iter().enumerate().map(call).collect()
}

fn edit_message(edit: &Edit, to: &Addressee<'_>, locales: &Locales) -> Option<Call> {
    let message_id = edit.message_id.or(to.message_id)?;
    let (method, mut parameters) = match &edit.message {
        Some(message) => {
            let text = split::shorten(&locales.render(&message.text, to.language), LONGEST_TEXT);
            let mut parameters = text_parameters(to.conversation, text);
            // Without a keyboard Telegram takes the old one away.
            if let Some(keyboard) = keyboard(&message.buttons, to.language, locales) {
                parameters.insert("reply_markup".to_owned(), keyboard);
            }
            ("editMessageText", parameters)
        }
        None => {
            let mut parameters = Map::new();
            parameters.insert("chat_id".to_owned(), to.conversation.chat.into());
            parameters.insert("reply_markup".to_owned(), json!({ "inline_keyboard": [] }));
            ("editMessageReplyMarkup", parameters)
        }
    };
    parameters.insert("message_id".to_owned(), message_id.into());
    Some(Call { method, parameters: parameters.into(), uploads: Vec::new() })
}

fn text_parameters(conversation: &ConversationId, text: String) -> Map<String, Value> {
    Map::from_iter([
        ("chat_id".to_owned(), conversation.chat.into()),
        ("text".to_owned(), text.into()),
        ("parse_mode".to_owned(), "HTML".into()),
        ("link_preview_options".to_owned(), json!({ "is_disabled": true })),
    ])
}

fn reply_markup(message: &Message, to: &Addressee<'_>, locales: &Locales) -> Option<Value> {
    keyboard(&message.buttons, to.language, locales).or_else(|| {
        let selective = !to.conversation.is_private() && to.reply_to.is_some();
        message.force_reply.then(|| json!({ "force_reply": true, "selective": selective }))
    })
}

/// The buttons that Telegram takes, if any.
fn keyboard(rows: &[Vec<Button>], language: Option<&str>, locales: &Locales) -> Option<Value> {
    let row = |row: &Vec<Button>| {
        let buttons: Vec<Value> = row.iter().filter_map(|b| button(b, language, locales)).collect();
        (!buttons.is_empty()).then(|| Value::from(buttons))
    };
    let rows: Vec<Value> = rows.iter().filter_map(row).collect();
    (!rows.is_empty()).then(|| json!({ "inline_keyboard": rows }))
}

fn button(button: &Button, language: Option<&str>, locales: &Locales) -> Option<Value> {
    let fits = (1..=MOST_DATA).contains(&button.data.len());
    debug_assert!(fits, "a button carries 1 to {MOST_DATA} bytes, not `{}`", button.data);
    if !fits {
        // One button less is better than a message that never arrives.
        tracing::error!(bytes = button.data.len(), "a button was left out: it carries too much or nothing");
        return None;
    }
    let mut label = locales.plain(&button.label, language);
    if !split::is_visible(&label) {
        NOTHING.clone_into(&mut label);
    }
    Some(json!({ "text": label, "callback_data": button.data }))
}

fn answer(
    callback: &str,
    text: Option<&Text>,
    language: Option<&str>,
    locales: &Locales,
) -> Map<String, Value> {
    let mut parameters = Map::new();
    parameters.insert("callback_query_id".to_owned(), callback.into());
    if let Some(text) = text {
        let toast = split::shorten_plain(&locales.plain(text, language), LONGEST_TOAST);
        parameters.insert("text".to_owned(), toast.into());
    }
    parameters
}

#[cfg(test)]
mod tests;
