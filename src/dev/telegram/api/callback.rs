//! `answerCallbackQuery`: a toast for whoever pressed a button, and the end of its glow.

use serde_json::json;

use super::{
    super::{
        parameters::Parameters,
        refusal::Refusal,
        world::{Answer, Press, World},
    },
    Outcome,
};

pub(super) fn answer(world: &mut World, bot: usize, parameters: &Parameters) -> Outcome {
    let now = world.date();
    let slug = world.bots[bot].slug.clone();
    let text = parameters.text("text");
    if text.chars().count() > 200 {
        return Err(Refusal::bad("MESSAGE_TOO_LONG"));
    }
    let id = parameters.text("callback_query_id");
    let press = id.parse().ok().and_then(|id: u64| world.presses.get_mut(&id));
    let press = press.filter(|press| press.bot == slug && press.is_fresh(now));
    let press = press.ok_or_else(|| {
        Refusal::bad("query is too old and response timeout expired or query ID is invalid")
    })?;
    if press.answer.is_none() {
        let answer = Answer { text, alert: parameters.flag("show_alert"), url: parameters.text("url") };
        press.answer = Some(answer);
        let press = press.clone();
        world.tell(|| json!({ "news": "answered", "id": id, "press": press }));
    }
    Ok(json!(true).into())
}

/// The room of the press that is answered.
pub(super) fn room(world: &World, parameters: &Parameters) -> Option<String> {
    let id = parameters.text("callback_query_id").parse().ok()?;
    world.presses.get(&id).map(|press: &Press| press.room.clone())
}
