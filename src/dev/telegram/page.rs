//! The chat page, and the JSON API (`/chat/…`) behind its buttons.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
    routing::{get, post},
};
use futures_util::{Stream, stream};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::broadcast::error::RecvError;

use super::{
    Fake,
    act::Act,
    assets::asset,
    fault::Fault,
    photo::file_of,
    refusal::Refusal,
    room::RoomKey,
    wire::{ChatKind, User},
    world::{File, World},
};

/// So many messages and journal entries a page gets at once.
const SHOWN: usize = 200;

pub(super) fn routes() -> Router<Arc<Fake>> {
    Router::new()
        .route("/", get(async || asset("index.html")))
        .route("/page/{name}", get(async |Path(name): Path<String>| asset(&name)))
        .route("/chat/overview", get(overview))
        .route("/chat/room", get(room))
        .route("/chat/journal", get(journal))
        .route("/chat/events", get(events))
        .route("/chat/file/{id}", get(file))
        .route("/chat/upload", post(upload))
        .route("/chat/people", post(add_person))
        .route("/chat/groups", post(add_group))
        .route("/chat/topics", post(add_topic))
        .route("/chat/languages", post(set_language))
        .route("/chat/faults", post(add_fault))
        .route("/chat/hurry", post(hurry))
        .route("/chat/{verb}", post(act))
}

/// A refusal as the page gets it.
impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.code).unwrap_or(StatusCode::BAD_REQUEST);
        (status, Json(json!({ "error": self.description }))).into_response()
    }
}

async fn overview(State(fake): State<Arc<Fake>>) -> Json<Value> {
    let world = fake.world();
    let bots = world.bots.iter().map(|bot| {
        let webhook = bot.settings.webhook.as_ref();
        json!({
            "slug": bot.slug,
            "name": bot.user.first_name,
            "username": bot.user.username,
            "menus": bot.settings.commands,
            "webhook": webhook.map(|webhook| &webhook.url),
            "last_error": webhook.and_then(|webhook| webhook.last_error.as_ref()),
            "pending": bot.mail.len(),
        })
    });
    let bots: Vec<Value> = bots.collect();
    let rooms = world.rooms.iter().map(|(key, room)| {
        let last = room.messages.last_key_value().map(|(_, kept)| kept);
        json!({ "key": key.to_string(), "about": room.about, "last": last })
    });
    let rooms: Vec<Value> = rooms.collect();
    let people: Vec<_> = world.people.values().collect();
    Json(json!({ "people": people, "bots": bots, "rooms": rooms, "behind": fake.behind, "look": fake.look }))
}

#[derive(Deserialize)]
struct Which {
    key: String,
}

async fn room(State(fake): State<Arc<Fake>>, Query(which): Query<Which>) -> Result<Json<Value>, Refusal> {
    let shown = shown(&fake.world(), &which.key)?;
    // What somebody has seen they may press, also after we were killed.
    fake.kept().await;
    Ok(Json(shown))
}

fn shown(world: &World, name: &str) -> Result<Value, Refusal> {
    let key: RoomKey = name.parse()?;
    let Some(room) = world.rooms.get(&key) else {
        return Ok(json!({ "key": name, "about": null, "messages": [], "presses": {} }));
    };
    let skip = room.messages.len().saturating_sub(SHOWN);
    let messages: Vec<_> = room.messages.values().skip(skip).collect();
    let now = world.date();
    let open = world.presses.iter().rev().take(SHOWN);
    let open = open.filter(|(_, press)| press.room == name && press.is_open(now));
    let presses: serde_json::Map<_, _> = open.map(|(id, press)| (id.to_string(), json!(press))).collect();
    Ok(json!({ "key": name, "about": room.about, "messages": messages, "presses": presses }))
}

async fn journal(State(fake): State<Arc<Fake>>, Query(which): Query<Which>) -> Json<Value> {
    let world = fake.world();
    let here = |room: Option<&str>| room == Some(which.key.as_str());
    let calls = world.journal.calls().rev().filter(|call| here(call.room.as_deref()));
    let calls: Vec<_> = calls.take(SHOWN).collect();
    let deliveries = world.journal.deliveries().rev().filter(|delivery| here(Some(&delivery.room)));
    let deliveries: Vec<_> = deliveries.take(SHOWN).collect();
    Json(json!({ "calls": calls, "deliveries": deliveries }))
}

/// Everything that happens, as server-sent events. A page that missed some is told to look at everything again.
async fn events(State(fake): State<Arc<Fake>>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let news = fake.world().news.subscribe();
    let hello =
        stream::iter([Ok(Event::default().retry(Duration::from_millis(500)).data(r#"{"news":"all"}"#))]);
    let rest = stream::unfold((news, fake), async |(mut news, fake)| {
        let told = tokio::select! {
            told = news.recv() => told,
            () = fake.stopping() => return None,
        };
        let data = match told {
            Ok(data) => data.to_string(),
            Err(RecvError::Lagged(_)) => r#"{"news":"all"}"#.to_owned(),
            Err(RecvError::Closed) => return None,
        };
        Some((Ok(Event::default().data(data)), (news, fake)))
    });
    Sse::new(futures_util::StreamExt::chain(hello, rest)).keep_alive(KeepAlive::default())
}

async fn file(State(fake): State<Arc<Fake>>, Path(id): Path<String>) -> Response {
    let world = fake.world();
    let Some(File { name, mime, bytes }) = world.files.get(file_of(&id)) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    // Anything but a picture, a film or a sound is only ever saved: a stranger's page must not run as ours.
    let shown = matches!(mime.as_str(), "image/png" | "image/jpeg" | "image/gif" | "image/webp")
        || mime.starts_with("video/")
        || mime.starts_with("audio/");
    let name: String = name.chars().filter(|c| c.is_ascii_graphic() && !matches!(c, '"' | '\\')).collect();
    let (kind, how) =
        if shown { (mime.as_str(), "inline") } else { ("application/octet-stream", "attachment") };
    let headers = [
        (header::CONTENT_TYPE, kind.to_owned()),
        (header::CONTENT_DISPOSITION, format!("{how}; filename=\"{name}\"")),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
        (header::CACHE_CONTROL, "private, max-age=3600".to_owned()),
    ];
    (headers, bytes.clone()).into_response()
}

#[derive(Deserialize)]
struct Upload {
    name: String,
}

async fn upload(
    State(fake): State<Arc<Fake>>,
    Query(Upload { name }): Query<Upload>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Json<Value> {
    let mime = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let mime = mime.filter(|kind| !kind.is_empty()).unwrap_or("application/octet-stream").to_owned();
    Json(json!({ "file": fake.world().add_file(File { name, mime, bytes }) }))
}

#[derive(Deserialize)]
struct NewPerson {
    name: String,
    #[serde(default)]
    language: Option<String>,
}

async fn add_person(
    State(fake): State<Arc<Fake>>,
    Json(new): Json<NewPerson>,
) -> Result<Json<Value>, Refusal> {
    let id = fake.world().invite(new.name.trim(), new.language.as_deref().map(str::trim))?;
    Ok(Json(json!({ "id": id })))
}

#[derive(Deserialize)]
struct NewGroup {
    title: String,
    people: Vec<i64>,
    bots: Vec<String>,
}

async fn add_group(State(fake): State<Arc<Fake>>, Json(new): Json<NewGroup>) -> Result<Json<Value>, Refusal> {
    Ok(Json(
        json!({ "id": fake.world().make_group(&new.title, ChatKind::Supergroup, new.people, &new.bots)? }),
    ))
}

#[derive(Deserialize)]
struct NewTopic {
    group: i64,
    name: String,
}

async fn add_topic(State(fake): State<Arc<Fake>>, Json(new): Json<NewTopic>) -> Result<Json<Value>, Refusal> {
    Ok(Json(json!({ "id": fake.world().open_topic(new.group, &new.name)? })))
}

#[derive(Deserialize)]
struct Speaks {
    person: i64,
    /// As Telegram has it, `de`; empty for none.
    language: String,
}

/// Somebody's Telegram is set to another language.
async fn set_language(
    State(fake): State<Arc<Fake>>,
    Json(Speaks { person, language }): Json<Speaks>,
) -> Result<Json<Value>, Refusal> {
    let mut world = fake.world();
    let user = world.people.get(&person).cloned().ok_or_else(|| Refusal::bad("nobody has this id"))?;
    let language_code = Some(language.trim().to_owned()).filter(|language| !language.is_empty());
    world.add_person(User { language_code, ..user });
    Ok(Json(json!({})))
}

async fn add_fault(State(fake): State<Arc<Fake>>, Json(fault): Json<Fault>) -> Json<Value> {
    fake.world().faults.order(fault);
    Json(json!({}))
}

/// What failed is tried again at once.
async fn hurry(State(fake): State<Arc<Fake>>) -> Json<Value> {
    fake.hurry();
    Json(json!({}))
}

async fn act(
    State(fake): State<Arc<Fake>>,
    Path(verb): Path<String>,
    Json(what): Json<Value>,
) -> Result<Json<Value>, Refusal> {
    let act: Act = serde_json::from_value(json!({ verb: what })).map_err(Refusal::bad)?;
    let done = fake.world().act(act)?;
    fake.kept().await;
    Ok(Json(done))
}

impl World {
    /// Somebody new, with the next free id.
    pub(super) fn invite(&mut self, name: &str, language: Option<&str>) -> Result<i64, Refusal> {
        if name.is_empty() || name.chars().count() > 64 {
            return Err(Refusal::bad("a name has 1 to 64 characters"));
        }
        let id = self.people.keys().last().map_or(101, |last| last + 1);
        let (first_name, last_name) = match name.split_once(' ') {
            Some((first, last)) => (first.to_owned(), Some(last.trim().to_owned())),
            None => (name.to_owned(), None),
        };
        let language_code = language.filter(|language| !language.is_empty()).map(str::to_owned);
        self.add_person(User { id, is_bot: false, first_name, last_name, username: None, language_code });
        Ok(id)
    }
}
