//! What stands behind a conversation, told in short sentences for the page's second pane.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    routing::get,
};
use serde_json::{Value, json};

use crate::{
    Text,
    engine::{Caused, Effect, Entry, Fact, Given},
    model::{ConversationId, Delivery, Message, Send},
    runtime::{Behind, Item, Logged, behind},
    store::Store,
};

/// `GET /conversation/{id}`: 200 with what stands behind it, 400 for what is no conversation.
pub(super) fn router(store: Arc<dyn Store>) -> Router {
    Router::new().route("/conversation/{id}", get(conversation)).with_state(store)
}

async fn conversation(
    State(store): State<Arc<dyn Store>>,
    Path(id): Path<String>,
) -> Result<Json<Value>, (StatusCode, String)> {
    let id: ConversationId = id.parse().map_err(|why| (StatusCode::BAD_REQUEST, format!("{why}")))?;
    let found = behind(store.as_ref(), &id).await;
    found.map(|behind| Json(told(&behind))).map_err(|why| (StatusCode::SERVICE_UNAVAILABLE, why.to_string()))
}

fn told(behind: &Behind) -> Value {
    json!({
        "conversation": behind.conversation,
        "items": behind.items.iter().map(item).collect::<Vec<_>>(),
        "workflows": behind.workflows.iter().map(workflow).collect::<Vec<_>>(),
        "events": behind.events,
    })
}

fn item(item: &Item) -> Value {
    let caused: Vec<String> = item.caused.iter().map(|outgoing| delivery(&outgoing.delivery)).collect();
    json!({ "input": item.input, "state": item.state, "at": item.input.at, "caused": caused })
}

fn workflow(logged: &Logged) -> Value {
    let head = &logged.document.head;
    let answers = head
        .standing
        .iter()
        .map(|standing| json!({ "name": standing.name, "value": given(&standing.given) }));
    json!({
        "id": head.workflow,
        "script": head.script,
        "status": head.status,
        "open": head.open.iter().map(|open| open.name()).collect::<Vec<_>>(),
        "answers": answers.collect::<Vec<_>>(),
        "log": logged.log.iter().map(entry).collect::<Vec<_>>(),
    })
}

fn entry(entry: &Entry) -> Value {
    json!({
        "n": entry.n,
        "at": entry.input.at,
        "input": entry.input,
        "meaning": entry.facts.iter().map(|recorded| fact(&recorded.fact)).collect::<Vec<_>>(),
        "effects": entry.effects.iter().map(effect).collect::<Vec<_>>(),
    })
}

fn fact(fact: &Fact) -> String {
    match fact {
        Fact::Started(_) => "started".to_owned(),
        Fact::Answered { question, given: value, .. } => format!("answered: {question} = {}", given(value)),
        Fact::Returned { call, given: value } => format!("returned: {call} = {}", given(value)),
        Fact::Undone { names } => format!("undone: {}", names.join(", ")),
        Fact::Rejected { question, why } => format!("rejected for {question}: {}", words(why)),
        Fact::Toggled { question, picked } => {
            format!("switched: {question} = {}", picked.iter().cloned().collect::<Vec<_>>().join(", "))
        }
        Fact::Paged { question, page } => format!("page {} of {question}", page + 1),
        Fact::Late => "late: nothing waited for it".to_owned(),
        Fact::PutAside => "put aside".to_owned(),
        Fact::Cancelled => "cancelled".to_owned(),
        Fact::Stuck { why } => format!("stuck: {why}"),
    }
}

fn given(given: &Given) -> String {
    match given {
        Given::Value(value) | Given::Recalled { value, .. } => value.to_string(),
        Given::Skipped => "skipped".to_owned(),
        Given::Elapsed => "the deadline passed".to_owned(),
        Given::Unreachable => "can't be reached".to_owned(),
        Given::Failed(why) => format!("failed: {why}"),
        Given::InEntry(_) => "(large; it stands in its entry)".to_owned(),
    }
}

fn effect(caused: &Caused) -> String {
    match &caused.effect {
        Effect::Deliver { to, delivery: what } => format!("{} → {to}", delivery(what)),
        Effect::Broadcast { to, text } => {
            let words = Delivery::Send(Send { message: Message::plain(text.clone()), prompt: None });
            format!("{} → {} people", delivery(&words), to.len())
        }
        Effect::Publish(event) => format!("event {} about {}", event.kind, event.subject),
        Effect::Call { activity, arguments, .. } => format!("call {activity} {arguments}"),
        Effect::Start { script, .. } => format!("start {script}"),
    }
}

fn delivery(delivery: &Delivery) -> String {
    match delivery {
        Delivery::Send(send) => format!("send {}", words(&send.message.text)),
        Delivery::Edit(edit) => match &edit.message {
            Some(message) => format!("change a prompt to {}", words(&message.text)),
            None => "take the buttons from a prompt".to_owned(),
        },
        Delivery::Language { language } => {
            format!("speak {}", language.as_deref().unwrap_or("as Telegram does"))
        }
        Delivery::Answer { text, .. } => match text {
            Some(text) => format!("toast {}", words(text)),
            None => "answer a press".to_owned(),
        },
    }
}

/// A text by the ids of its messages: this pane is for those who write them.
fn words(text: &Text) -> String {
    match text {
        Text::Literal(words) => format!("“{words}”"),
        Text::Message { id, .. } => id.clone(),
        Text::Lines { lines: texts } | Text::Paragraphs(texts) => {
            texts.iter().map(words).collect::<Vec<_>>().join(" + ")
        }
    }
}
