//! `keep_dead_letters`: a poison message becomes a dead letter; nothing stays in a poison queue.

use axum::{body::Bytes, extract::State};

use super::{Doors, Envelope, Failure, Outcome};
use crate::runtime::HINTS;

pub(super) async fn handle(State(doors): State<Doors>, body: Bytes) -> Result<Outcome, Failure> {
    let runtime = doors.runtime().await?;
    runtime.keep_poison(HINTS, &Envelope::read(&body).message()).await?;
    Ok(Outcome::done(Vec::new()))
}
