//! `advance_conversations`: a hint says that a conversation or a workflow may have something to do.

use axum::{body::Bytes, extract::State};

use super::{
    Doors, Failure,
    envelope::{Invocation, Outcome},
};
use crate::runtime::Error;

pub(super) async fn handle(State(doors): State<Doors>, body: Bytes) -> Result<Outcome, Failure> {
    let runtime = doors.runtime().await?;
    let followed = match Invocation::parse(&body).and_then(|invocation| invocation.message("hint")) {
        Ok(hint) => runtime.follow(&hint).await,
        Err(why) => Err(Error::Data(why.to_string())),
    };
    match followed {
        // A message that is no hint will never be one.
        Err(Error::Data(why)) => Ok(Outcome::done().log(format!("dropped: {why}"))),
        done => Ok(done.map(|()| Outcome::done())?),
    }
}
