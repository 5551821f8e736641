//! The wire to the Bot API, which a test cuts before or after a call, together with the process that made it.

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State},
    http::{HeaderMap, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};

use serde_json::Value;
use tokio::sync::{mpsc, oneshot};

use super::faulty_store::FaultyStore;

/// When the process dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    Before,
    After,
}

/// Calls as tests tell them apart: those of different kinds may be under way at once, so that only within a kind there is
/// a first one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A message, or the answer to a press.
    Message,
    /// A change of a message.
    Edit,
    Other,
}

impl Kind {
    fn of(path: &str) -> Self {
        match path.rsplit('/').next().unwrap_or_default() {
            "sendMessage" | "answerCallbackQuery" => Self::Message,
            method if method.starts_with("edit") => Self::Edit,
            _ => Self::Other,
        }
    }
}

/// What a test does while a call is under way.
type Meanwhile = Box<dyn FnOnce() + Send>;

#[derive(Default)]
pub(crate) struct Wire {
    target: Mutex<String>,
    calls: Mutex<Vec<Kind>>,
    cut: Mutex<Option<(usize, Cut, Arc<FaultyStore>)>>,
    refused: Mutex<Vec<(Kind, usize)>>,
    failing: Mutex<Vec<(Kind, usize)>>,
    meanwhile: Mutex<Option<(usize, Meanwhile)>>,
    held: Mutex<Option<(Kind, mpsc::UnboundedSender<Held>)>>,
}

/// A call that is on its way until it is let through; dropped, it never arrives, and nobody is told.
pub(crate) struct Held {
    /// To this chat, if it names one.
    pub(crate) chat: Option<i64>,
    pub(crate) let_through: oneshot::Sender<()>,
}

impl Wire {
    /// Starts a wire to the Bot API at `target`; returns its own address.
    pub(crate) async fn start(target: String) -> (Arc<Self>, String) {
        let wire = Arc::new(Self { target: Mutex::new(target), ..Self::default() });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let app = Router::new()
            .fallback(forward)
            .layer(DefaultBodyLimit::disable())
            .with_state((wire.clone(), reqwest::Client::new()));
        tokio::spawn(async move { axum::serve(listener, app).await });
        (wire, url)
    }

    /// At the `n`th call from the start, `victim` dies.
    pub(crate) fn cut(&self, n: usize, when: Cut, victim: Arc<FaultyStore>) {
        *self.cut.lock().unwrap() = Some((n, when, victim));
    }

    /// The `n`th call of this kind from now on is refused for good.
    pub(crate) fn refuse(&self, kind: Kind, n: usize) {
        self.refused.lock().unwrap().push((kind, self.calls_of(kind) + n));
    }

    /// The `n`th call of this kind from now on comes at a bad time.
    pub(crate) fn fail_for_now(&self, kind: Kind, n: usize) {
        self.failing.lock().unwrap().push((kind, self.calls_of(kind) + n));
    }

    /// During the `n`th call from now on, this happens.
    pub(crate) fn meanwhile(&self, n: usize, work: impl FnOnce() + Send + 'static) {
        *self.meanwhile.lock().unwrap() = Some((self.calls() + n, Box::new(work)));
    }

    /// Every call of this kind from now on is held until a test lets it through.
    pub(crate) fn hold(&self, kind: Kind, calls: mpsc::UnboundedSender<Held>) {
        *self.held.lock().unwrap() = Some((kind, calls));
    }

    /// Nothing more is held.
    pub(crate) fn hold_no_more(&self) {
        *self.held.lock().unwrap() = None;
    }

    /// Returns when the call may go on; never, if it is dropped.
    async fn pass(&self, kind: Kind, body: &[u8]) {
        let held = self.held.lock().unwrap().clone();
        let Some((_, held)) = held.filter(|(of, _)| *of == kind) else { return };
        let chat = serde_json::from_slice::<Value>(body).ok().and_then(|body| body["chat_id"].as_i64());
        let (let_through, may_go) = oneshot::channel();
        held.send(Held { chat, let_through }).ok();
        if may_go.await.is_err() {
            std::future::pending().await
        }
    }

    /// So many calls have begun.
    pub(crate) fn calls(&self) -> usize {
        self.calls.lock().unwrap().len()
    }

    fn calls_of(&self, kind: Kind) -> usize {
        self.calls.lock().unwrap().iter().filter(|of| **of == kind).count()
    }

    /// A call begins: which of its kind, and whether somebody dies over it.
    fn begin(&self, kind: Kind) -> (usize, Option<(Cut, Arc<FaultyStore>)>) {
        let (calls, of_kind) = {
            let mut calls = self.calls.lock().unwrap();
            calls.push(kind);
            (calls.len(), calls.iter().filter(|of| **of == kind).count())
        };
        if let Some((_, work)) = self.meanwhile.lock().unwrap().take_if(|(n, _)| *n == calls) {
            work();
        }
        let cut = self.cut.lock().unwrap().take_if(|(n, ..)| *n == calls);
        (of_kind, cut.map(|(_, when, victim)| (when, victim)))
    }
}

async fn forward(
    State((wire, client)): State<(Arc<Wire>, reqwest::Client)>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let kind = Kind::of(uri.path());
    wire.pass(kind, &body).await;
    let (n, cut) = wire.begin(kind);
    if let Some((Cut::Before, victim)) = &cut {
        victim.die();
        return std::future::pending().await;
    }
    if wire.refused.lock().unwrap().contains(&(kind, n)) {
        let body = r#"{"ok":false,"error_code":400,"description":"Bad Request: can't parse entities"}"#;
        return (StatusCode::BAD_REQUEST, body).into_response();
    }
    if wire.failing.lock().unwrap().contains(&(kind, n)) {
        return StatusCode::BAD_GATEWAY.into_response();
    }
    let url = format!("{}{uri}", wire.target.lock().unwrap());
    let mut request = client.request(method, url).body(body);
    if let Some(kind) = headers.get(header::CONTENT_TYPE) {
        request = request.header(header::CONTENT_TYPE, kind);
    }
    let answer = request.send().await;
    if let Some((_, victim)) = &cut {
        victim.die();
        return std::future::pending().await;
    }
    match answer {
        Ok(answer) => {
            let status = StatusCode::from_u16(answer.status().as_u16()).unwrap();
            (status, answer.bytes().await.unwrap()).into_response()
        }
        // The fake broke the connection: so do we.
        Err(_) => std::panic::resume_unwind(Box::new("the connection is broken")),
    }
}
