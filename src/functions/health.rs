//! `health`: is the process alive, which version is it, and what is configured?

use axum::{Json, extract::State};
use serde_json::{Value, json};

use super::{Doors, Failure, VERSION};

pub(super) async fn handle(State(doors): State<Doors>) -> Result<Json<Value>, Failure> {
    let runtime = doors.runtime().await?;
    let bots: Vec<&str> = runtime.bots().map(|bot| bot.slug.as_str()).collect();
    Ok(Json(json!({
        "status": "ok",
        "version": VERSION,
        "store": runtime.store().kind(),
        "bots": bots,
    })))
}
