//! `watch_webhooks`: every five minutes, does Telegram bring the bots' updates here?

use axum::extract::State;

use super::{Doors, Failure, envelope::Outcome};
use crate::runtime::Watched;

pub(super) async fn handle(State(doors): State<Doors>) -> Result<Outcome, Failure> {
    let Watched { bots, mended, in_trouble } = doors.runtime().await?.watch_webhooks().await;
    Ok(Outcome::done().log(format!("looked at {bots} webhooks, mended {mended}, {in_trouble} in trouble")))
}
