//! What stands behind a conversation, for the page's second pane.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    routing::get,
};

use crate::{
    model::ConversationId,
    runtime::{Behind, behind},
    store::Sqlite,
};

/// `GET /conversation/{id}`: 200 with what stands behind it, 400 for what is no conversation.
pub(super) fn router(store: Arc<Sqlite>) -> Router {
    Router::new().route("/conversation/{id}", get(conversation)).with_state(store)
}

async fn conversation(
    State(store): State<Arc<Sqlite>>,
    Path(id): Path<String>,
) -> Result<Json<Behind>, (StatusCode, String)> {
    let id: ConversationId = id.parse().map_err(|why| (StatusCode::BAD_REQUEST, format!("{why}")))?;
    let found = behind(store.as_ref(), &id).await;
    found.map(Json).map_err(|why| (StatusCode::SERVICE_UNAVAILABLE, why.to_string()))
}
