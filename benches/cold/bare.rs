//! The floor: axum and nothing else, which puts each update into SQLite before it answers.

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    extract::State,
    routing::{get, post},
};

/// The word that makes this program the handler.
pub(crate) const WORD: &str = "--bare";

/// Serves where the host says, and keeps updates in `BARE_STORE`.
pub(crate) async fn run() {
    let environment = backline::config::environment(".".as_ref()).unwrap();
    let port: u16 = environment["FUNCTIONS_CUSTOMHANDLER_PORT"].parse().unwrap();
    let store = rusqlite::Connection::open(&environment["BARE_STORE"]).unwrap();
    store.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE IF NOT EXISTS updates (body TEXT)").unwrap();
    let router = Router::new()
        .route("/", get(|| async {}))
        .route("/telegram/{bot}", post(keep))
        .with_state(Arc::new(Mutex::new(store)));
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    axum::serve(listener, router).await.unwrap();
}

async fn keep(State(store): State<Arc<Mutex<rusqlite::Connection>>>, body: String) {
    store.lock().unwrap().execute("INSERT INTO updates VALUES (?)", [&body]).unwrap();
}
