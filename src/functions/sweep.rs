//! `sweep`: every minute, whatever is due is looked at.

use axum::extract::State;

use super::{Doors, Failure, envelope::Outcome};

pub(super) async fn handle(State(doors): State<Doors>) -> Result<Outcome, Failure> {
    let looked_at = doors.runtime().await?.sweep().await?;
    Ok(Outcome::done().log(format!("looked at {looked_at}")))
}
