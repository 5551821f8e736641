//! Waiting by the fake's one clock, be it the machine's or one that a test winds.

use crate::model::{Clock, Timestamp};

/// Waits until `clock` shows `due`; without a time, for ever.
pub(super) async fn until(clock: &Clock, due: Option<Timestamp>) {
    match due {
        None => std::future::pending().await,
        Some(due) if clock.is_hand_wound() => clock.shows(due).await,
        Some(due) => tokio::time::sleep((due - clock.now()).to_std().unwrap_or_default()).await,
    }
}
