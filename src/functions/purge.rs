//! `purge`: every ten minutes, what is past its time goes.

use axum::extract::State;

use super::{Doors, Failure, envelope::Outcome};
use crate::runtime::Purged;

pub(super) async fn handle(State(doors): State<Doors>) -> Result<Outcome, Failure> {
    let Purged { retired, removed } = doors.runtime().await?.purge().await?;
    Ok(Outcome::done().log(format!("gave {retired} workflows their end, removed {removed} documents")))
}
