//! A vote in a group: somebody asks, everybody presses, and the message shows how it stands.

mod poll;

use crate::{
    engine::{Chat, Choice, Ended, choice, number, text},
    text,
};
use poll::{Limit, Poll};

/// `/vote`, with or without the question behind it.
pub(super) async fn vote(chat: Chat) {
    if !chat.is_in_group() {
        return chat.say(text!("vote-in-a-group"));
    }
    let Some(asker) = chat.who() else { return };
    let question = match Poll::asked_by(&chat.started()) {
        Some(question) => question,
        None => chat.ask(text("question", text!("vote-question")).length(3, 300)).await,
    };
    let choices = loop {
        let lines = chat.ask(text("choices", text!("vote-choices")).length(3, 500)).await;
        match Poll::choices(&lines) {
            Ok(choices) => break choices,
            Err(why) => chat.say(why),
        }
    };
    let limit = chat.ask(choice("limit", text!("vote-limit"), Limit::ALL)).await;
    let all = chat.ask(number("all", text!("vote-all")).whole().range(2.0, 500.0).optional()).await;

    let put = text!("vote-put", asker = &asker.name, question = &question, limit = limit.label());
    let is_all =
        move |count: usize| all.is_some_and(|all| f64::from(u32::try_from(count).unwrap_or(u32::MAX)) >= all);
    let gather = chat.gather(choice("vote", put, choices.clone()));
    let (votes, ended) = gather.until(move |votes| is_all(votes.len())).within(limit.time()).await;
    if ended == Ended::Unreachable {
        return;
    }
    let poll = Poll { asker, question, choices };
    chat.say(poll.result(&votes));
    chat.emit(poll.closed(chat.id("vote"), &votes));
}

#[cfg(test)]
mod tests {
    use crate::{engine::rehearse_table, workflows::table};

    #[test]
    fn everybody_presses_and_the_message_shows_how_it_stands() {
        rehearse_table(&table(), include_str!("vote/held.talk")).unwrap();
        rehearse_table(&table(), include_str!("vote/held.de.talk")).unwrap();
    }

    #[test]
    fn a_vote_bears_with_people() {
        rehearse_table(&table(), include_str!("vote/mishaps.talk")).unwrap();
        rehearse_table(&table(), include_str!("vote/mishaps.de.talk")).unwrap();
    }
}
