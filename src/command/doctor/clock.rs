//! Does this machine's clock go right? Claims and deadlines go by it.

use std::time::Duration;

use chrono::{DateTime, TimeDelta};

use super::Finding;
use crate::{
    config::Usable,
    model::{Clock, Timestamp},
    queue, store,
    telegram::client::TELEGRAM_API_URL,
};

/// A claim is not used in its last 15 s, so clocks may differ by less.
const MOST: TimeDelta = TimeDelta::seconds(5);
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) async fn look(usable: &Usable) -> Finding {
    let what = "clock";
    let Some(server) = server(usable) else {
        return Finding::skipped(what, "no server to compare with: everything is on this machine");
    };
    let Some((theirs, ours)) = time_of(&server).await else {
        return Finding::skipped(what, format!("`{server}` does not tell the time"));
    };
    let skew = ours - theirs;
    // A Date header has no fractions of a second.
    if skew.abs() <= MOST {
        return Finding::fine(what, format!("within {} s of `{server}`", skew.num_seconds().abs().max(1)));
    }
    let by =
        format!("{} s {}", skew.num_seconds().abs(), if skew > TimeDelta::zero() { "fast" } else { "slow" });
    Finding::wrong(
        what,
        format!("it is {by}, by `{server}`"),
        "let this machine set its clock over the network (NTP)",
    )
}

/// Somebody whose clock goes right.
fn server(usable: &Usable) -> Option<String> {
    let of_store = match &usable.store {
        Some(store::Settings::Cosmos(cosmos)) => Some(cosmos.endpoint.to_string()),
        _ => None,
    };
    let of_queues = match &usable.queues {
        Some(queue::Settings::Storage(storage)) => Some(storage.endpoint.to_string()),
        _ => None,
    };
    let real = usable.bots.iter().any(|bot| bot.api == TELEGRAM_API_URL && bot.token.looks_real());
    of_store.or(of_queues).or_else(|| real.then(|| TELEGRAM_API_URL.to_owned()))
}

/// The server's time, and ours in the middle of the request. Whatever it answers, it tells the time.
async fn time_of(server: &str) -> Option<(Timestamp, Timestamp)> {
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().ok()?;
    let clock = Clock::real();
    let before = clock.now();
    let answer = client.head(server).timeout(PATIENCE).send().await.ok()?;
    let after = clock.now();
    let date = answer.headers().get(reqwest::header::DATE)?.to_str().ok()?;
    let theirs = DateTime::parse_from_rfc2822(date).ok()?.to_utc();
    Some((theirs, before + (after - before) / 2))
}
