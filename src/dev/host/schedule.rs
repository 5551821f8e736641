//! When timers fire: NCRONTAB expressions and constant intervals.
//! <https://learn.microsoft.com/azure/azure-functions/functions-bindings-timer#ncrontab-expressions>

use std::time::Duration;

use anyhow::{Context, Result, bail};
use chrono::TimeDelta;
use croner::{
    Cron,
    parser::{CronParser, Year},
};

use super::duration;
use crate::model::Timestamp;

/// A timer's schedule.
#[derive(Clone, Debug)]
pub(super) struct Schedule {
    text: String,
    rule: Rule,
}

#[derive(Clone, Debug)]
enum Rule {
    /// At these seconds.
    Cron(Box<Cron>),
    /// Again and again after this long.
    Every(Duration),
}

impl Schedule {
    /// Reads five or six cron fields, or a time span.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let fields: Vec<&str> = text.split_whitespace().collect();
        let rule = match fields.len() {
            5 => Rule::cron(&format!("0 {}", fields.join(" "))),
            6 => Rule::cron(&fields.join(" ")),
            _ => duration::parse_positive(text).map(Rule::Every),
        };
        let rule = rule.with_context(|| {
            format!("the schedule `{text}` is neither cron fields (six, second first) nor a time span")
        })?;
        Ok(Self { text: text.to_owned(), rule })
    }

    /// As it was written.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The first time after `time`, in UTC, as on Azure.
    pub(super) fn next(&self, time: Timestamp) -> Timestamp {
        match &self.rule {
            Rule::Cron(cron) => {
                // A cron expression that never comes (30 February) waits for ever.
                cron.find_next_occurrence(&time, false).unwrap_or(time + TimeDelta::days(365 * 100))
            }
            Rule::Every(every) => time + TimeDelta::from_std(*every).unwrap_or(TimeDelta::days(36_500)),
        }
    }

    /// Can it fire twice within a minute? Then its status is not kept.
    pub(super) fn is_sub_minute(&self) -> bool {
        match &self.rule {
            Rule::Cron(cron) => {
                let seconds = cron.as_str().split_whitespace().next().unwrap_or("0").to_owned();
                seconds.parse::<u32>().is_err()
            }
            Rule::Every(every) => *every < Duration::from_secs(60),
        }
    }

    /// Does it go by the clock on the wall? Only cron does.
    pub(super) fn is_cron(&self) -> bool {
        matches!(self.rule, Rule::Cron(_))
    }
}

impl Rule {
    fn cron(cron: &str) -> Result<Self> {
        if !is_ncrontab(cron) {
            bail!("NCRONTAB knows only `* , - /`, numbers and names");
        }
        // Where both a day of the month and a weekday are given, NCRONTAB wants both.
        let parser =
            CronParser::builder().dom_and_dow(true).sloppy_ranges(true).year(Year::Disallowed).build();
        Ok(Self::Cron(Box::new(parser.parse(cron)?)))
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
    use chrono::{TimeZone, Utc};

    use super::*;

    fn next(schedule: &str, hour: u32, minute: u32, second: u32) -> String {
        let time = Utc.with_ymd_and_hms(2024, 10, 24, hour, minute, second).unwrap();
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

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig {
            failure_persistence: None, ..Default::default()
        })]

        #[test]
        fn no_schedule_makes_it_panic_or_fire_in_the_past(
            text in proptest::prop_oneof![
                "[0-9*/,\\-a-zA-Z? ]{0,30}",
                "([0-9*]{1,3}[/,\\-]?[0-9]{0,3} ){4,5}[0-9*a-z]{1,3}",
                "([0-9]{1,20}\\.)?[0-9]{1,3}:[0-9]{1,3}:[0-9]{1,3}(\\.[0-9]{1,20})?",
                "\\PC{0,20}",
            ],
        ) {
            let now = Utc.with_ymd_and_hms(2024, 2, 29, 23, 59, 59).unwrap();
            if let Ok(schedule) = Schedule::parse(&text) {
                proptest::prop_assert!(schedule.next(now) > now, "{text}");
            }
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for schedule in ["", "* * * *", "0 0 0 L * *", "61 * * * * *", "00:00:00"] {
            assert!(Schedule::parse(schedule).is_err(), "{schedule}");
        }
    }
}
