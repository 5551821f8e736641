//! Timers: when each fires, what its function is told, and what a file remembers between two runs of the host.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use tokio::{sync::watch, time::sleep};

use super::{
    date, envelope,
    events::{Event, Level, Source},
    function::{Function, Trigger},
    json::Json,
    running::Running,
    schedule::Schedule,
    whole,
};
use crate::model::Timestamp;

/// Sleeps are cut to this, so that a clock that is set is noticed.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);

/// What is remembered of a timer, in `timers/<function>.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Status {
    /// When it last fired; none if never.
    last: Option<Timestamp>,
    /// When it was to fire next.
    next: Timestamp,
    last_updated: Option<Timestamp>,
}

/// What a timer does when the host starts.
#[derive(Debug, PartialEq)]
struct Beginning {
    status: Status,
    /// Fire at once, and say that it is late?
    past_due: bool,
}

/// Serves one timer function until told to stop.
pub(super) async fn run(
    running: Arc<Running>,
    function: Arc<Function>,
    data: PathBuf,
    mut stopping: watch::Receiver<bool>,
) {
    let Trigger::Timer { schedule, run_on_startup, monitored } = &function.trigger else { return };
    let file = data.join("timers").join(format!("{}.json", function.name));
    let stored = if *monitored { read(&file) } else { None };
    let now = || running.journal.clock().now();
    let Beginning { mut status, past_due } = begin(schedule, stored, now());
    remember(&running, &function, *monitored, &file, &status);
    let mut at_once = past_due.then_some(true).or_else(|| run_on_startup.then_some(false));
    loop {
        running.journal.keep(Event::TimerScheduled { function: function.name.clone(), next: status.next });
        let late = match at_once.take() {
            Some(late) => late,
            None => loop {
                let left = (status.next - now()).to_std().unwrap_or_default();
                if left.is_zero() {
                    break false;
                }
                tokio::select! {
                    _ = stopping.wait_for(|&stop| stop) => return,
                    () = sleep(left.min(LONGEST_SLEEP)) => {}
                }
            },
        };
        if *stopping.borrow() {
            return;
        }
        let fired = now();
        let call = envelope::by_timer(info(schedule, monitored.then_some(&status), late));
        // A failure is told by whoever made the call; the timer goes on.
        let _ = running.call(&function, &call).await;
        status = Status { last: Some(fired), next: schedule.next(now()), last_updated: Some(fired) };
        remember(&running, &function, *monitored, &file, &status);
    }
}

/// What the stored status means now: a new timer, a changed schedule, one that is due, or one that waits.
fn begin(schedule: &Schedule, stored: Option<Status>, now: Timestamp) -> Beginning {
    let Some(stored) = stored else {
        return Beginning {
            status: Status { last: None, next: schedule.next(now), last_updated: None },
            past_due: false,
        };
    };
    let from = stored.last.or(stored.last_updated);
    let expected = from.map_or(stored.next, |from| schedule.next(from));
    if (expected - stored.next).abs() > TimeDelta::seconds(1) {
        let next = if expected < now { schedule.next(now) } else { expected };
        return Beginning { status: Status { next, ..stored }, past_due: false };
    }
    Beginning { past_due: now > stored.next, status: stored }
}

/// The trigger's value.
fn info(schedule: &Schedule, status: Option<&Status>, past_due: bool) -> Json {
    let never = "0001-01-01T00:00:00+00:00";
    let time = |time: Option<Timestamp>| Json::of(time.map_or_else(|| never.to_owned(), date::with_offset));
    let object = |members: Vec<(&str, Json)>| {
        Json::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    };
    object(vec![
        ("Schedule", object(vec![("AdjustForDST", Json::Bool(schedule.is_cron()))])),
        (
            "ScheduleStatus",
            status.map_or(Json::Null, |status| {
                object(vec![
                    ("Last", time(status.last)),
                    ("Next", time(Some(status.next))),
                    ("LastUpdated", time(status.last_updated)),
                ])
            }),
        ),
        ("IsPastDue", Json::Bool(past_due)),
    ])
}

/// The value of a timer that an operator fires.
pub(super) fn by_hand(function: &Function) -> Option<Json> {
    match &function.trigger {
        Trigger::Timer { schedule, .. } => Some(info(schedule, None, false)),
        _ => None,
    }
}

fn read(file: &Path) -> Option<Status> {
    serde_json::from_str(&std::fs::read_to_string(file).ok()?).ok()
}

fn remember(running: &Running, function: &Function, monitored: bool, file: &Path, status: &Status) {
    if !monitored {
        return;
    }
    if let Err(e) = whole::write(file, status) {
        let text = format!("the timer's status cannot be written to {}: {e}", file.display());
        running.journal.line(Source::Host, Level::Warning, Some(&function.name), None, text);
    }
}

#[cfg(test)]
mod tests {
    use chrono::{TimeZone, Utc};

    use super::*;

    fn at(hour: u32, minute: u32) -> Timestamp {
        Utc.with_ymd_and_hms(2024, 10, 24, hour, minute, 0).unwrap()
    }

    fn hourly() -> Schedule {
        Schedule::parse("0 0 * * * *").unwrap()
    }

    #[test]
    fn a_new_timer_waits_for_its_next_time() {
        let beginning = begin(&hourly(), None, at(12, 30));
        assert_eq!(
            beginning,
            Beginning { status: Status { last: None, next: at(13, 0), last_updated: None }, past_due: false }
        );
    }

    #[test]
    fn a_time_that_passed_while_the_host_was_away_is_made_up_for() {
        let stored = Status { last: Some(at(9, 0)), next: at(10, 0), last_updated: Some(at(9, 0)) };
        assert!(begin(&hourly(), Some(stored.clone()), at(12, 30)).past_due);
        assert!(!begin(&hourly(), Some(stored), at(9, 30)).past_due);
    }

    #[test]
    fn a_changed_schedule_starts_anew() {
        let stored = Status { last: Some(at(9, 0)), next: at(9, 5), last_updated: Some(at(9, 0)) };
        let beginning = begin(&hourly(), Some(stored), at(12, 30));
        assert!(!beginning.past_due);
        assert_eq!(beginning.status.next, at(13, 0));
    }

    #[test]
    fn the_trigger_value_looks_like_azures() {
        let status = Status { last: None, next: at(13, 0), last_updated: None };
        let json = info(&hourly(), Some(&status), true).compact();
        assert!(json.starts_with(r#"{"Schedule":{"AdjustForDST":true},"ScheduleStatus":{"Last":"0001-01-01T00:00:00+00:00","Next":"2024-10-24T13:00:00"#));
        assert!(json.ends_with(r#""IsPastDue":true}"#));
        assert!(
            info(&Schedule::parse("00:00:30").unwrap(), None, false)
                .compact()
                .contains(r#""ScheduleStatus":null"#)
        );
    }
}
