//! Methods that change messages.

use serde_json::{Value, json};

use super::{
    super::{
        parameters::Parameters,
        refusal::Refusal,
        room::{Kept, RoomKey},
        wire::Message,
        world::World,
    },
    Outcome,
    markup::Markup,
    room,
    send::{captioned, text_content},
};

pub(super) fn text(world: &mut World, bot: usize, parameters: &Parameters) -> Outcome {
    let content = text_content(parameters)?;
    let markup = Markup::of(parameters)?.inline();
    change(world, bot, parameters, |message| {
        if message.content.text.is_none() {
            return Err(Refusal::bad("there is no text in the message to edit"));
        }
        (message.content, message.reply_markup) = (content, markup);
        Ok(())
    })
}

pub(super) fn caption(world: &mut World, bot: usize, parameters: &Parameters) -> Outcome {
    let content = captioned(&parameters.text("caption"), parameters)?;
    let markup = Markup::of(parameters)?.inline();
    change(world, bot, parameters, |message| {
        if message.content.photo.is_empty() && message.content.document.is_none() {
            return Err(Refusal::bad("there is no caption in the message to edit"));
        }
        message.content.caption = content.caption;
        message.content.caption_entities = content.caption_entities;
        message.reply_markup = markup;
        Ok(())
    })
}

pub(super) fn markup(world: &mut World, bot: usize, parameters: &Parameters) -> Outcome {
    let markup = Markup::of(parameters)?.inline();
    change(world, bot, parameters, |message| {
        message.reply_markup = markup;
        Ok(())
    })
}

pub(super) fn delete(world: &mut World, bot: usize, parameters: &Parameters) -> Outcome {
    let key = room(world, bot, parameters)?;
    if !world.hide(&key, message_id(parameters)?) {
        return Err(Refusal::bad("message to delete not found"));
    }
    Ok(json!(true).into())
}

pub(super) fn reaction(world: &mut World, bot: usize, parameters: &Parameters) -> Outcome {
    let key = room(world, bot, parameters)?;
    let reactions: Vec<Value> = parameters.json("reaction")?.unwrap_or_default();
    let mut kept = found(world, &key, parameters, "message to react not found")?;
    kept.reactions =
        reactions.iter().filter_map(|reaction| reaction["emoji"].as_str()).map(str::to_owned).collect();
    world.show(&key, kept);
    Ok(json!(true).into())
}

/// Changes a message of the bot's own. One that stays as it was is refused.
fn change(
    world: &mut World,
    bot: usize,
    parameters: &Parameters,
    change: impl FnOnce(&mut Message) -> Result<(), Refusal>,
) -> Outcome {
    if !parameters.text("inline_message_id").is_empty() {
        return Err(Refusal::bad("MESSAGE_ID_INVALID"));
    }
    let key = room(world, bot, parameters)?;
    let before = found(world, &key, parameters, "message to edit not found")?;
    if before.message.from.id != world.bots[bot].user.id {
        return Err(Refusal::bad("message can't be edited"));
    }
    let mut after = before.clone();
    change(&mut after.message)?;
    if after == before {
        return Err(Refusal::bad(
            "message is not modified: specified new message content and reply markup are exactly the same as a \
             current content and reply markup of the message",
        ));
    }
    after.message.edit_date = Some(world.date());
    let result = json!(after.message);
    world.show(&key, after);
    Ok(result.into())
}

fn found(world: &World, key: &RoomKey, parameters: &Parameters, missing: &str) -> Result<Kept, Refusal> {
    let id = message_id(parameters)?;
    world.rooms[key].messages.get(&id).map(|kept| Kept::clone(kept)).ok_or_else(|| Refusal::bad(missing))
}

fn message_id(parameters: &Parameters) -> Result<i64, Refusal> {
    parameters.integer("message_id").ok_or_else(|| Refusal::bad("message identifier is not specified"))
}
