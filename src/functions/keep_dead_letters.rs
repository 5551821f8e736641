//! `keep_dead_letters`: a poison message becomes a dead letter; nothing stays in a poison queue.

use axum::{body::Bytes, extract::State};

use super::{
    Doors, Failure,
    envelope::{Invocation, Outcome},
};
use crate::runtime::HINTS;

pub(super) async fn handle(State(doors): State<Doors>, body: Bytes) -> Result<Outcome, Failure> {
    let runtime = doors.runtime().await?;
    let message = Invocation::parse(&body).and_then(|invocation| invocation.message("message"));
    // What can't even be read is kept as it came.
    let message = message.unwrap_or_else(|_| String::from_utf8_lossy(&body).into_owned());
    runtime.keep_poison(HINTS, &message).await?;
    Ok(Outcome::done())
}
