//! The welcome: who comes for the first time, or comes back, hears what can be done here.

use crate::{Text, engine::Chat, text};

/// `/start`, with or without the payload of a link that leads to no other workflow.
pub(super) async fn start(chat: Chat) {
    let Some(person) = chat.who() else { return };
    let welcome = text!("start-welcome", name = person.name);
    chat.say(Text::Paragraphs(vec![welcome, text!("start-next")]));
}

#[cfg(test)]
mod tests {
    use crate::{engine::rehearse_table, workflows::table};

    #[test]
    fn whoever_comes_is_greeted_and_told_what_can_be_done() {
        rehearse_table(&table(), include_str!("start.talk")).unwrap();
        rehearse_table(&table(), include_str!("start.de.talk")).unwrap();
    }
}
