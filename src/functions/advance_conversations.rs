//! `advance_conversations`: a hint says that a conversation or a workflow may have something to do.

use axum::{body::Bytes, extract::State};

use super::{Doors, Envelope, Failure, Outcome};
use crate::runtime::Error;

pub(super) async fn handle(State(doors): State<Doors>, body: Bytes) -> Result<Outcome, Failure> {
    let runtime = doors.runtime().await?;
    let envelope = Envelope::read(&body);
    match runtime.follow(&envelope.message()).await {
        // A message that is no hint will never be one.
        Err(Error::Data(why)) => {
            tracing::warn!(why, "a hint is dropped");
            Ok(Outcome::done(vec![why]))
        }
        done => done.map(|()| Outcome::done(Vec::new())).map_err(Failure::from),
    }
}
