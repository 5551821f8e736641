//! The welcome: who comes for the first time, or comes back, hears what can be done here.

use crate::{
    engine::{Chat, StartedBy},
    text,
};

/// `/start`, and `/start report` as links of the form `t.me/bot?start=report` send it.
pub(super) async fn start(chat: Chat) {
    let Some(person) = chat.who() else { return };
    let welcome = text!("start-welcome", name = person.name);
    let next = match chat.started().by {
        StartedBy::Command { payload: Some(payload), .. } if payload == "report" => text!("start-report"),
        StartedBy::Command { payload: Some(payload), .. } if payload == "approve" => text!("start-approve"),
        _ => text!("start-next"),
    };
    chat.say(crate::Text::Paragraphs(vec![welcome, next]));
}

#[cfg(test)]
mod tests {
    use crate::{engine::rehearse_table, workflows::table};

    #[test]
    fn whoever_comes_is_greeted_and_told_what_can_be_done() {
        rehearse_table(&table(), include_str!("start.talk")).unwrap();
    }
}
