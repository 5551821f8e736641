//! When timers fire: NCRONTAB expressions and constant intervals.
//! <https://learn.microsoft.com/azure/azure-functions/functions-bindings-timer#ncrontab-expressions>

use std::time::Duration;

use anyhow::{Context, Result, bail};
use chrono::{DateTime, Local, TimeDelta};
use croner::{
    Cron,
    parser::{CronParser, Year},
};

use super::duration;

/// A timer's schedule.
#[derive(Clone, Debug)]
pub(super) enum Schedule {
    /// At these seconds.
    Cron(Box<Cron>),
    /// Again and again after this long.
    Every(Duration),
}

impl Schedule {
    /// Reads five or six cron fields, or a time span.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let fields: Vec<&str> = text.split_whitespace().collect();
        let cron = match fields.len() {
            5 => format!("0 {}", fields.join(" ")),
            6 => fields.join(" "),
            _ => {
                let every = duration::parse_positive(text).with_context(|| {
                    format!("the schedule `{text}` is neither six cron fields (second first) nor a time span")
                })?;
                return Ok(Self::Every(every));
            }
        };
        if !is_ncrontab(&cron) {
            bail!(
                "the schedule `{text}` uses what NCRONTAB does not know: only `* , - /`, numbers and names"
            );
        }
        // Where both a day of the month and a weekday are given, NCRONTAB wants both.
        let parser =
            CronParser::builder().dom_and_dow(true).sloppy_ranges(true).year(Year::Disallowed).build();
        let cron = parser.parse(&cron).with_context(|| format!("the schedule `{text}`"))?;
        Ok(Self::Cron(Box::new(cron)))
    }

    /// The first time after `time`.
    pub(super) fn next(&self, time: DateTime<Local>) -> DateTime<Local> {
        match self {
            Self::Cron(cron) => {
                // A cron expression that never comes (30 February) waits for ever.
                cron.find_next_occurrence(&time, false).unwrap_or(time + TimeDelta::days(365 * 100))
            }
            Self::Every(every) => time + TimeDelta::from_std(*every).unwrap_or(TimeDelta::days(36_500)),
        }
    }

    /// Can it fire twice within a minute? Then its status is not kept.
    pub(super) fn is_sub_minute(&self) -> bool {
        match self {
            Self::Cron(cron) => {
                let seconds = cron.as_str().split_whitespace().next().unwrap_or("0").to_owned();
                seconds.parse::<u32>().is_err()
            }
            Self::Every(every) => *every < Duration::from_secs(60),
        }
    }

    /// Does it go by the clock on the wall? Only cron does.
    pub(super) fn is_cron(&self) -> bool {
        matches!(self, Self::Cron(_))
    }
}

/// Are there only digits, the four operators, and names of months and weekdays? Croner knows more.
fn is_ncrontab(cron: &str) -> bool {
    const NAMES: [&str; 19] = [
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec", "sun", "mon",
        "tue", "wed", "thu", "fri", "sat",
    ];
    cron.split(|c: char| c.is_ascii_digit() || "*,-/ ".contains(c))
        .all(|word| word.is_empty() || NAMES.contains(&word.to_ascii_lowercase().as_str()))
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;

    use super::*;

    fn next(schedule: &str, hour: u32, minute: u32, second: u32) -> String {
        let time = Local.with_ymd_and_hms(2024, 10, 24, hour, minute, second).unwrap();
        Schedule::parse(schedule).unwrap().next(time).format("%d %H:%M:%S").to_string()
    }

    #[test]
    fn ncrontab_has_seconds_first() {
        assert_eq!(next("*/10 * * * * *", 12, 0, 5), "24 12:00:10");
        assert_eq!(next("*/10 * * * * *", 12, 0, 10), "24 12:00:20");
        assert_eq!(next("0 */5 * * * *", 12, 1, 0), "24 12:05:00");
        assert_eq!(next("0 30 9 * * mon-fri", 12, 0, 0), "25 09:30:00");
        assert_eq!(next("0 0 0 * * sun", 12, 0, 0), "27 00:00:00");
        assert_eq!(next("0 0 0 * * 0", 12, 0, 0), "27 00:00:00");
        assert_eq!(next("*/15 * * * *", 12, 1, 0), "24 12:15:00");
        assert_eq!(next("00:01:30", 12, 0, 0), "24 12:01:30");
    }

    #[test]
    fn a_schedule_within_the_minute_is_known() {
        for (schedule, expected) in
            [("*/10 * * * * *", true), ("0 * * * * *", false), ("00:00:59", true), ("00:01:00", false)]
        {
            assert_eq!(Schedule::parse(schedule).unwrap().is_sub_minute(), expected, "{schedule}");
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for schedule in ["", "* * * *", "0 0 0 L * *", "61 * * * * *", "00:00:00"] {
            assert!(Schedule::parse(schedule).is_err(), "{schedule}");
        }
    }
}
