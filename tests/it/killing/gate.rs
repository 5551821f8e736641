//! The gate that everything passes: updates from the fake Telegram to a living process, and calls from the processes
//! to the fake Telegram. It can hold a call while its caller is killed.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use serde_json::Value;
use tokio::sync::{RwLock, oneshot, watch};

use super::book::{Asked, Book, Process};

/// What deliveries prove themselves with.
const SECRET: &str = "x-telegram-bot-api-secret-token";

/// When, around a call, its caller shall be killed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Moment {
    /// The message never gets to Telegram.
    Before,
    /// It does, and the answer is never given.
    After,
}

struct Trap {
    /// So many messages pass it first.
    passes: usize,
    moment: Moment,
    caught: oneshot::Sender<Process>,
}

/// Cheap to clone.
#[derive(Clone)]
pub(super) struct Gate(Arc<Shared>);

struct Shared {
    url: String,
    http: reqwest::Client,
    /// Where the fake Telegram is, once it is.
    telegram: Mutex<String>,
    book: Mutex<Book>,
    trap: Mutex<Option<Trap>>,
    /// Whoever brings a call to Telegram shares it; whoever kills has it alone: so no message arrives from the dead.
    passage: RwLock<()>,
    news: watch::Sender<()>,
}

impl Gate {
    pub(super) async fn start() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let gate = Self(Arc::new(Shared {
            url,
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
            telegram: Mutex::default(),
            book: Mutex::default(),
            trap: Mutex::default(),
            passage: RwLock::default(),
            news: watch::Sender::default(),
        }));
        let app = Router::new()
            .route("/telegram/{bot}", post(bring))
            .route("/by/{process}/{bot}/{method}", post(call))
            .with_state(gate.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        gate
    }

    /// Where Telegram brings its updates.
    pub(super) fn webhook(&self) -> String {
        format!("{}/telegram/operations", self.0.url)
    }

    /// The Bot API as one process knows it: so it is known who calls.
    pub(super) fn api(&self, process: Process) -> String {
        format!("{}/by/{process}", self.0.url)
    }

    pub(super) fn lead_to(&self, telegram: String) {
        *self.0.telegram.lock().unwrap() = telegram;
    }

    pub(super) fn book(&self) -> MutexGuard<'_, Book> {
        self.0.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until `look` finds something in the book; it is asked again after every arrival and answer.
    pub(super) async fn until<T>(&self, mut look: impl FnMut(&Book) -> Option<T>) -> T {
        let mut news = self.0.news.subscribe();
        loop {
            news.mark_unchanged();
            if let Some(found) = look(&self.book()) {
                return found;
            }
            news.changed().await.unwrap();
        }
    }

    fn tell(&self) {
        self.0.news.send_replace(());
    }

    /// Somebody who calls after so many messages is caught in the call and waits to be killed. Dropped, the receiver
    /// takes the trap away.
    pub(super) fn trap(&self, passes: usize, moment: Moment) -> oneshot::Receiver<Process> {
        let (caught, wait) = oneshot::channel();
        *self.0.trap.lock().unwrap() = Some(Trap { passes, moment, caught });
        wait
    }

    fn spring(&self) -> Option<Trap> {
        let mut trap = self.0.trap.lock().unwrap();
        let set = trap.as_mut()?;
        if set.caught.is_closed() {
            *trap = None;
            return None;
        }
        match set.passes.checked_sub(1) {
            Some(left) => {
                set.passes = left;
                None
            }
            None => trap.take(),
        }
    }

    /// Nothing gets through meanwhile, and nothing that these have begun gets through afterwards.
    pub(super) async fn kill(&self, processes: &[Process], kill: impl FnOnce()) {
        let _alone = self.0.passage.write().await;
        {
            let mut book = self.book();
            processes.iter().for_each(|process| book.died(*process));
        }
        kill();
    }

    /// Asks a process for something that is no update; the status, unless it dies over it.
    pub(super) async fn ask(&self, process: Process, url: String, body: String) -> Option<u16> {
        let asked = self.book().asks(process, Asked::Else);
        let json = (header::CONTENT_TYPE, "application/json");
        let answer = self.0.http.post(url).header(json.0, json.1).body(body).send().await;
        if answer.is_ok() {
            self.book().answers(process, asked);
        }
        Some(answer.ok()?.status().as_u16())
    }

    /// One that lives, if there is one.
    pub(super) fn anybody(&self) -> Option<(Process, String)> {
        let book = self.book();
        let ready = book.ready_ones();
        (!ready.is_empty()).then(|| ready[book.brought % ready.len()].clone())
    }

    /// One that lives, by turns; waits for one if there is none.
    async fn somebody(&self) -> (Process, String) {
        self.until(|book| {
            let ready = book.ready_ones();
            (!ready.is_empty()).then(|| ready[book.brought % ready.len()].clone())
        })
        .await
    }

    /// Everybody has gone home.
    pub(super) fn is_over(&self) {
        self.book().is_over = true;
        self.tell();
    }

    /// It can be asked from now on.
    pub(super) fn ready(&self, process: Process) {
        self.book().ready(process);
        self.tell();
    }
}

/// Brings an update to a process. If that is killed, Telegram hears nothing, and brings it again.
async fn bring(State(gate): State<Gate>, headers: HeaderMap, body: Bytes) -> Response {
    let update: Value = serde_json::from_slice(&body).unwrap();
    let chat = ["/message/chat/id", "/callback_query/message/chat/id"]
        .into_iter()
        .find_map(|place| update.pointer(place)?.as_i64());
    let Some((chat, id)) = chat.zip(update["update_id"].as_u64()) else {
        return StatusCode::OK.into_response();
    };
    let (process, url) = gate.somebody().await;
    let asked = {
        let mut book = gate.book();
        book.brought += 1;
        book.updates.entry(chat).or_default().insert(id);
        book.asks(process, Asked::Update(chat))
    };
    let request = gate.0.http.post(format!("{url}/telegram/operations")).body(body);
    let sent = request.header(SECRET, headers.get(SECRET).unwrap()).timeout(Duration::from_secs(60)).send();
    let Ok(answer) = sent.await else { return StatusCode::BAD_GATEWAY.into_response() };
    let status = StatusCode::from_u16(answer.status().as_u16()).unwrap();
    let kind = answer.headers().get(header::CONTENT_TYPE).cloned();
    let Ok(bytes) = answer.bytes().await else { return StatusCode::BAD_GATEWAY.into_response() };
    {
        let mut book = gate.book();
        book.answers(process, asked);
        book.taken += usize::from(status.is_success());
    }
    gate.tell();
    let mut response = (status, bytes).into_response();
    if let Some(kind) = kind {
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
    }
    response
}

/// A call of the Bot API.
async fn call(
    State(gate): State<Gate>,
    Path((process, bot, method)): Path<(Process, String, String)>,
    body: Bytes,
) -> Response {
    let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
    let message = (method == "sendMessage").then(|| {
        let (chat, text) = (asked["chat_id"].as_i64().unwrap(), asked["text"].as_str().unwrap().to_owned());
        gate.book().calls(process, chat, text)
    });
    let trap = message.and_then(|_| gate.spring());
    let trap = match trap {
        Some(trap) if trap.moment == Moment::Before => {
            if trap.caught.send(process).is_ok() {
                return wait_for_death().await;
            }
            None
        }
        after => after,
    };
    // A task of its own: what has gone through is written into the book, whoever is still there.
    let passing = tokio::spawn(pass(gate.clone(), process, format!("{bot}/{method}"), body, message));
    let Some(answer) = passing.await.unwrap() else { return wait_for_death().await };
    if trap.is_some_and(|trap| trap.caught.send(process).is_ok()) {
        return wait_for_death().await;
    }
    if !message.is_none_or(|message| gate.book().answer(message)) {
        return wait_for_death().await;
    }
    answer
}

/// Ends with the connection.
async fn wait_for_death() -> Response {
    std::future::pending().await
}

/// Brings a call to Telegram, unless the caller is dead by then.
async fn pass(
    gate: Gate,
    process: Process,
    path: String,
    body: Bytes,
    message: Option<usize>,
) -> Option<Response> {
    let _shared = gate.0.passage.read().await;
    if gate.book().is_dead(process) {
        return None;
    }
    let url = format!("{}/{path}", gate.0.telegram.lock().unwrap());
    let request = gate.0.http.post(url).header(header::CONTENT_TYPE, "application/json").body(body);
    let answer = request.send().await.unwrap();
    let status = StatusCode::from_u16(answer.status().as_u16()).unwrap();
    let bytes = answer.bytes().await.unwrap();
    if let (Some(message), true) = (message, status.is_success()) {
        let kept: Value = serde_json::from_slice(&bytes).unwrap();
        gate.book().arrived(message, kept["result"].clone());
        gate.tell();
    }
    Some((status, bytes).into_response())
}
