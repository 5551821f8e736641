//! The doors: one file per function, each a few lines over the runtime. The folder `functions/<name>/` tells the host
//! what triggers it.

mod advance_conversations;
pub mod envelope;
mod failure;
mod health;
mod keep_dead_letters;
mod purge;
mod sweep;
mod telegram_webhook;
mod watch_webhooks;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    response::IntoResponse,
    routing::{get, post},
};
use tokio::sync::watch;
use tower_http::catch_panic::CatchPanicLayer;

pub use failure::Failure;

use crate::runtime::Runtime;

/// Which build this is, as `health` tells it: `package` names version and commit; any other build has its version alone.
const VERSION: &str = match option_env!("BACKLINE_VERSION") {
    Some(version) => version,
    None => env!("CARGO_PKG_VERSION"),
};

/// The largest body that is taken, in bytes.
const LARGEST_BODY: usize = 1024 * 1024;

/// What the doors lead to, as soon as it is there: the process answers before its store is open.
#[derive(Clone)]
pub struct Doors {
    runtime: watch::Receiver<Option<Runtime>>,
}

impl Doors {
    /// Doors to what `runtime` will hold.
    #[must_use]
    pub fn new(runtime: watch::Receiver<Option<Runtime>>) -> Self {
        Self { runtime }
    }

    async fn runtime(&self) -> Result<Runtime, Failure> {
        let mut runtime = self.runtime.clone();
        let ready = runtime.wait_for(Option::is_some).await.map_err(|_| Failure::Closing)?;
        ready.clone().ok_or(Failure::Closing)
    }
}

/// Every function of the app, behind the paths that the host calls. A panic costs its own invocation alone.
pub fn router(doors: Doors) -> Router {
    Router::new()
        // The host's readiness probe.
        .route("/", get(|| async {}))
        .route("/telegram/{bot}", post(telegram_webhook::handle))
        .route("/health", get(health::handle))
        .route("/advance_conversations", post(advance_conversations::handle))
        .route("/sweep", post(sweep::handle))
        .route("/purge", post(purge::handle))
        .route("/watch_webhooks", post(watch_webhooks::handle))
        .route("/keep_dead_letters", post(keep_dead_letters::handle))
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(CatchPanicLayer::custom(|_| Failure::Panicked.into_response()))
        .with_state(doors)
}
