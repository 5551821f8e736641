//! Somebody asks another person for their yes; the button decides, or the deadline does. Until then whoever asked may
//! take it back, or ask somebody else.

mod request;

use std::pin::pin;

use chrono::TimeDelta;
use futures_util::future::{Either, select};

use crate::{
    choices,
    engine::{Chat, Choice, People, Unreachable, choice, person, text},
    model::Person,
    text,
};
use request::{Limit, Outcome, Request};

choices! {
    enum Decision: "approve-decision" { Approve = "approve", Decline = "decline" }
}
choices! {
    enum Meanwhile: "approve-meanwhile" { Withdraw = "withdraw", Reassign = "reassign" }
}

/// `/approve`
pub(super) async fn approve(chat: Chat) {
    let Some(asker) = chat.who() else { return };
    let mut others = chat.look_up(People).await;
    others.retain(|person| person.id != asker.id);
    if others.is_empty() {
        return chat.say(text!("approve-nobody"));
    }
    let what = chat.ask(text("what", text!("approve-what")).length(3, 1000)).await;
    let limit = chat.ask(choice("limit", text!("approve-limit"), Limit::ALL)).await;
    let request = Request { asker, what, limit };

    let (mut whom, mut passed_over) = (text!("approve-whom"), None);
    for round in 0.. {
        let chat = chat.scope(format!("round.{round}"));
        let free = others.iter().filter(|person| passed_over != Some(person.id)).cloned().collect();
        let other = chat.ask(person("other", whom, free)).await;
        match wait(&chat, &request, &other, others.len() > 1).await {
            Ended::Decided(outcome) => return conclude(&chat, request, other, outcome).await,
            Ended::Withdrawn => {
                chat.say(text!("approve-withdrawn"));
                return chat.tell(&other, text!("approve-taken-back", asker = request.asker.name));
            }
            Ended::Reassigned => {
                chat.tell(&other, text!("approve-taken-back", asker = &request.asker.name));
                (whom, passed_over) = (text!("approve-whom-else"), Some(other.id));
            }
            Ended::Unreachable => {
                others.retain(|person| person.id != other.id);
                if others.is_empty() {
                    return chat.say(text!("approve-unreachable-last", other = other.name));
                }
                (whom, passed_over) = (text!("approve-unreachable", other = other.name), None);
            }
        }
    }
}

/// How a round ended.
enum Ended {
    Decided(Outcome),
    Withdrawn,
    Reassigned,
    Unreachable,
}

/// Waits for whoever is faster: the other with a decision, the deadline, or the asker with second thoughts.
async fn wait(chat: &Chat, request: &Request, other: &Person, can_reassign: bool) -> Ended {
    let Request { asker, what, limit } = request;
    let ask = text!("approve-decide", asker = &asker.name, what = what, limit = limit.label());
    let decision = pin!(chat.ask_of(other, choice("decision", ask, Decision::ALL).within(limit.time())));

    let waiting = text!("approve-waiting", other = &other.name, limit = limit.label());
    let possible = Meanwhile::ALL.into_iter().filter(|choice| can_reassign || *choice != Meanwhile::Reassign);
    let second_thoughts = pin!(chat.ask(choice("meanwhile", waiting, possible)));

    match select(decision, second_thoughts).await {
        Either::Left((Ok(Some(Decision::Approve)), _)) => Ended::Decided(Outcome::Approved),
        Either::Left((Ok(Some(Decision::Decline)), _)) => Ended::Decided(Outcome::Declined),
        Either::Left((Ok(None), _)) => Ended::Decided(Outcome::Expired),
        Either::Left((Err(Unreachable), _)) => Ended::Unreachable,
        Either::Right((Meanwhile::Withdraw, _)) => Ended::Withdrawn,
        Either::Right((Meanwhile::Reassign, _)) => Ended::Reassigned,
    }
}

/// Tells everybody. Whoever declines may say why; nobody waits for it.
async fn conclude(chat: &Chat, request: Request, other: Person, outcome: Outcome) {
    let (asker, what) = (request.asker.name.clone(), &request.what);
    match outcome {
        Outcome::Approved => {
            chat.say(text!("approve-approved", other = &other.name, what = what));
            chat.tell(&other, text!("approve-thanks", asker = &asker));
        }
        Outcome::Declined => chat.say(text!("approve-declined", other = &other.name, what = what)),
        Outcome::Expired => {
            chat.say(text!("approve-expired", other = &other.name, what = what));
            chat.tell(&other, text!("approve-too-late", asker = &asker));
        }
    }
    chat.emit(request.decided(chat.id("approval"), other.clone(), outcome));
    if outcome == Outcome::Declined {
        let why = text("reason", text!("approve-reason", asker = &asker)).length(1, 1000);
        if let Ok(Some(reason)) = chat.ask_of(&other, why.within(TimeDelta::minutes(10))).await {
            chat.say(text!("approve-declined-because", other = &other.name, reason = reason));
            chat.tell(&other, text!("approve-reason-passed-on", asker = asker));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{engine::rehearse_table, workflows::table};

    #[test]
    fn the_button_decides_or_the_deadline_does() {
        rehearse_table(&table(), include_str!("approve/decided.talk")).unwrap();
        rehearse_table(&table(), include_str!("approve/decided.de.talk")).unwrap();
    }

    #[test]
    fn until_then_whoever_asked_may_change_their_mind() {
        rehearse_table(&table(), include_str!("approve/changed.talk")).unwrap();
    }

    #[test]
    fn whoever_cannot_be_reached_is_passed_over() {
        rehearse_table(&table(), include_str!("approve/mishaps.talk")).unwrap();
        rehearse_table(&table(), include_str!("approve/mishaps.de.talk")).unwrap();
    }
}
