//! `reply_markup`: inline keyboards, reply keyboards, and what asks for a reply.

use serde_json::{Value, json};

use super::super::{parameters::Parameters, refusal::Refusal};

/// What a message has under it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Markup {
    None,
    Inline(Value),
    Keyboard(Value),
    RemoveKeyboard,
    ForceReply,
}

impl Markup {
    /// Reads `reply_markup`.
    pub(super) fn of(parameters: &Parameters) -> Result<Self, Refusal> {
        let Some(markup) = parameters.json::<Value>("reply_markup")? else { return Ok(Self::None) };
        if !markup.is_object() {
            return Err(Refusal::bad("object expected as reply markup"));
        }
        if let Some(rows) = markup.get("inline_keyboard") {
            let rows = rows.as_array().ok_or_else(|| {
                Refusal::bad(
                    "field \"inline_keyboard\" of the InlineKeyboardMarkup must be an Array of Arrays",
                )
            })?;
            return inline(rows);
        }
        if markup.get("keyboard").is_some_and(Value::is_array) {
            return Ok(Self::Keyboard(markup));
        }
        let asks = |field: &str| markup.get(field).and_then(Value::as_bool).unwrap_or(false);
        Ok(match (asks("remove_keyboard"), asks("force_reply")) {
            (true, _) => Self::RemoveKeyboard,
            (_, true) => Self::ForceReply,
            _ => Self::None,
        })
    }

    /// The inline keyboard, if it is one.
    pub(super) fn inline(self) -> Option<Value> {
        match self {
            Self::Inline(keyboard) => Some(keyboard),
            _ => None,
        }
    }
}

fn inline(rows: &[Value]) -> Result<Markup, Refusal> {
    let mut kept = Vec::new();
    for row in rows {
        let buttons = row.as_array().ok_or_else(|| {
            Refusal::bad("field \"inline_keyboard\" of the InlineKeyboardMarkup must be an Array of Arrays")
        })?;
        buttons.iter().try_for_each(check)?;
        if !buttons.is_empty() {
            kept.push(row.clone());
        }
    }
    Ok(if kept.is_empty() { Markup::None } else { Markup::Inline(json!({ "inline_keyboard": kept })) })
}

/// Is this a button that Telegram takes? `callback_data` has 1 to 64 bytes
/// (<https://core.telegram.org/bots/api#inlinekeyboardbutton>).
fn check(button: &Value) -> Result<(), Refusal> {
    let wrong = |why: &str| Refusal::bad(format_args!("can't parse inline keyboard button: {why}"));
    let Some(fields) = button.as_object() else {
        return Err(wrong("InlineKeyboardButton must be an Object"));
    };
    match fields.get("text") {
        Some(Value::String(label)) if !label.is_empty() => {}
        Some(Value::String(_)) => return Err(Refusal::bad("inline keyboard button text can't be empty")),
        _ => return Err(wrong("Field \"text\" must be of type String")),
    }
    match fields.get("callback_data") {
        Some(Value::String(data)) if (1..=64).contains(&data.len()) => Ok(()),
        Some(_) => Err(Refusal::bad("BUTTON_DATA_INVALID")),
        None if fields
            .keys()
            .any(|field| !matches!(field.as_str(), "text" | "style" | "icon_custom_emoji_id")) =>
        {
            Ok(())
        }
        None => Err(wrong("Text buttons are unallowed in the inline keyboard")),
    }
}
