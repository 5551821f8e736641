//! The floor: axum and nothing else. It answers as soon as it can, opens SQLite for the first update, and puts each into
//! it before it answers.

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    extract::State,
    routing::{get, post},
};
use rusqlite::Connection;

/// The word that makes this program the handler.
pub(crate) const WORD: &str = "--bare";

struct Bare {
    file: String,
    store: Mutex<Option<Connection>>,
}

/// Serves where the host says, and keeps updates in `BARE_STORE`.
pub(crate) async fn run() {
    let environment = backline::config::environment(".".as_ref()).unwrap();
    let port: u16 = environment["FUNCTIONS_CUSTOMHANDLER_PORT"].parse().unwrap();
    let bare = Bare { file: environment["BARE_STORE"].clone(), store: Mutex::default() };
    let router = Router::new()
        .route("/", get(|| async {}))
        .route("/telegram/{bot}", post(keep))
        .with_state(Arc::new(bare));
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    axum::serve(listener, router).await.unwrap();
}

async fn keep(State(bare): State<Arc<Bare>>, body: String) {
    let mut store = bare.store.lock().unwrap();
    let store = store.get_or_insert_with(|| open(&bare.file));
    store.execute("INSERT INTO updates VALUES (?)", [&body]).unwrap();
}

fn open(file: &str) -> Connection {
    let store = Connection::open(file).unwrap();
    store.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE IF NOT EXISTS updates (body TEXT)").unwrap();
    store
}
