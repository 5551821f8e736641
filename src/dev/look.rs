//! Looking into the host from outside: `/dev/…` on the page's port, as JSON for tools and for the page's pane.

use std::{
    convert::Infallible,
    sync::{Arc, OnceLock},
    time::Duration,
};

use axum::{
    Json, Router,
    extract::{Path, Query, State},
    http::StatusCode,
    response::sse::{Event, KeepAlive, Sse},
    routing::{get, post},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use futures_util::{Stream, StreamExt, stream};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::{broadcast::error::RecvError, watch};

use super::host::{self, Details, FunctionSnapshot, Inside, Invocation};
use crate::{
    model::Timestamp,
    queue::{self, Received},
};

/// So many messages of a queue are shown, as many as Azure peeks at.
/// <https://learn.microsoft.com/rest/api/storageservices/peek-messages#uri-parameters>
const PEEKED: usize = 32;

/// What serves who looks in; the host is put into it once it runs.
#[derive(Clone, Default)]
pub(super) struct Look {
    inside: Arc<OnceLock<Inside>>,
    over: watch::Sender<bool>,
}

/// A status, and why.
type Refusal = (StatusCode, Json<Value>);

fn refusal(status: StatusCode, why: impl std::fmt::Display) -> Refusal {
    (status, Json(json!({ "error": why.to_string() })))
}

impl Look {
    /// From now on there is something to be seen.
    pub(super) fn at(&self, host: &host::Host) {
        // A second host in one process would be another one's to show.
        let _ = self.inside.set(host.inside());
    }

    /// Ends the streams of events.
    pub(super) fn end(&self) {
        self.over.send_replace(true);
    }

    /// The routes; 503 until the host runs.
    pub(super) fn router(&self) -> Router {
        Router::new()
            .route("/host", get(host))
            .route("/functions", get(functions))
            .route("/functions/{name}/run", post(run))
            .route("/invocations", get(invocations))
            .route("/invocations/{n}", get(invocation))
            .route("/queues", get(queues))
            .route("/queues/{name}", get(peek).post(put))
            .route("/log", get(log))
            .route("/events", get(events))
            .with_state(self.clone())
    }

    fn inside(&self) -> Result<&Inside, Refusal> {
        self.inside.get().ok_or_else(|| refusal(StatusCode::SERVICE_UNAVAILABLE, "the host is starting"))
    }
}

async fn host(State(look): State<Look>) -> Result<Json<Value>, Refusal> {
    let now = look.inside()?.snapshot().await;
    let restarts = now.starts.saturating_sub(1);
    Ok(Json(
        json!({ "address": now.address, "handler": now.handler, "restarts": restarts, "build": now.build }),
    ))
}

#[derive(serde::Serialize)]
struct Function {
    #[serde(flatten)]
    function: FunctionSnapshot,
    /// When its timer runs next.
    next: Option<Timestamp>,
}

async fn functions(State(look): State<Look>) -> Result<Json<Vec<Function>>, Refusal> {
    let mut now = look.inside()?.snapshot().await;
    let with_next =
        |function: FunctionSnapshot| Function { next: now.timers.remove(&function.name), function };
    Ok(Json(now.functions.into_iter().map(with_next).collect()))
}

#[derive(Deserialize)]
struct Run {
    #[serde(default)]
    input: String,
}

async fn run(
    State(look): State<Look>,
    Path(name): Path<String>,
    Json(run): Json<Run>,
) -> Result<(StatusCode, Json<Value>), Refusal> {
    if look.inside()?.call(&name, &run.input) {
        return Ok((StatusCode::ACCEPTED, Json(json!({}))));
    }
    Err(refusal(StatusCode::NOT_FOUND, format!("there is no function `{name}`")))
}

#[derive(Deserialize)]
struct Wanted {
    function: Option<String>,
}

async fn invocations(
    State(look): State<Look>,
    Query(wanted): Query<Wanted>,
) -> Result<Json<Vec<Invocation>>, Refusal> {
    let mut all = look.inside()?.invocations();
    if let Some(function) = wanted.function {
        all.retain(|invocation| invocation.function.eq_ignore_ascii_case(&function));
    }
    Ok(Json(all))
}

async fn invocation(State(look): State<Look>, Path(n): Path<u64>) -> Result<Json<Details>, Refusal> {
    let found = look.inside()?.invocation(n);
    found
        .map(Json)
        .ok_or_else(|| refusal(StatusCode::NOT_FOUND, "there is no such call, or it was forgotten"))
}

async fn queues(State(look): State<Look>) -> Result<Json<Value>, Refusal> {
    let now = look.inside()?.snapshot().await;
    let listeners = |name: &str| -> Vec<&str> {
        let listens =
            |function: &&FunctionSnapshot| function.trigger == "queueTrigger" && function.what == name;
        now.functions.iter().filter(listens).map(|function| &function.name[..]).collect()
    };
    let unsent = now.functions.iter().filter(|function| function.trigger == "queueTrigger");
    let names: std::collections::BTreeSet<&str> =
        now.queues.keys().map(String::as_str).chain(unsent.map(|function| &function.what[..])).collect();
    let all: Vec<Value> = names
        .into_iter()
        .map(|name| {
            let length = now.queues.get(name);
            json!({
                "name": name,
                "visible": length.map_or(0, |length| length.visible),
                "hidden": length.map_or(0, |length| length.hidden),
                "functions": listeners(name),
                "poison": name.ends_with("-poison"),
            })
        })
        .collect();
    Ok(Json(all.into()))
}

async fn peek(State(look): State<Look>, Path(name): Path<String>) -> Result<Json<Value>, Refusal> {
    let messages = look.inside()?.queue().peek(&name, PEEKED).await.map_err(of_queue)?;
    Ok(Json(messages.iter().map(shown).collect()))
}

/// A message as it is shown: its text, or base64 of what is none.
fn shown(message: &Received) -> Value {
    let mut shown = json!({
        "id": message.id,
        "dequeue_count": message.dequeue_count,
        "inserted_at": message.inserted_at,
        "expires_at": message.expires_at,
    });
    match std::str::from_utf8(&message.body) {
        Ok(text) => shown["text"] = text.into(),
        Err(_) => shown["base64"] = STANDARD.encode(&message.body).into(),
    }
    shown
}

#[derive(Deserialize)]
struct Put {
    message: String,
}

async fn put(
    State(look): State<Look>,
    Path(name): Path<String>,
    Json(put): Json<Put>,
) -> Result<(StatusCode, Json<Value>), Refusal> {
    look.inside()?.queue().send(&name, &put.message, Duration::ZERO).await.map_err(of_queue)?;
    Ok((StatusCode::CREATED, Json(json!({}))))
}

fn of_queue(error: queue::Error) -> Refusal {
    match error {
        queue::Error::Refused(why) => refusal(StatusCode::BAD_REQUEST, why),
        queue::Error::Unavailable(why) => refusal(StatusCode::SERVICE_UNAVAILABLE, why),
    }
}

async fn log(State(look): State<Look>) -> Result<Json<Vec<host::Event>>, Refusal> {
    let recent = look.inside()?.snapshot().await.recent;
    Ok(Json(recent.into_iter().filter(|event| matches!(event, host::Event::Log { .. })).collect()))
}

/// Everything that happens, as server-sent events. Who comes, and who missed some, is told to look at everything again.
async fn events(
    State(look): State<Look>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Refusal> {
    let all = || Event::default().data(r#"{"event":"all"}"#);
    let news = look.inside()?.events();
    let hello = stream::iter([Ok(all().retry(Duration::from_millis(500)))]);
    let rest = stream::unfold((news, look.over.subscribe()), move |(mut news, mut over)| async move {
        let told = tokio::select! {
            told = news.recv() => told,
            _ = over.wait_for(|&over| over) => return None,
        };
        let event = match told {
            Ok(event) => Event::default().json_data(&event).ok()?,
            Err(RecvError::Lagged(_)) => all(),
            Err(RecvError::Closed) => return None,
        };
        Some((Ok(event), (news, over)))
    });
    Ok(Sse::new(hello.chain(rest)).keep_alive(KeepAlive::default()))
}
