//! Dates as .NET and Newtonsoft take them for such and write them again.

use std::borrow::Cow;

use chrono::{FixedOffset, NaiveDate, NaiveDateTime, TimeDelta, Timelike};

use super::json::Json;
use crate::model::Timestamp;

/// A text that Newtonsoft takes for a date.
enum Date {
    Utc(NaiveDateTime),
    /// It had an offset, so it becomes the host's local time: UTC, as on Azure.
    Local(NaiveDateTime),
    Unspecified(NaiveDateTime),
}

/// A text, or what becomes of it if the whole of it is a date: `10/24/2024 14:32:17`.
pub(super) fn dated(text: &str) -> Cow<'_, str> {
    match parse(text) {
        None => Cow::Borrowed(text),
        Some(Date::Utc(time) | Date::Local(time) | Date::Unspecified(time)) => {
            Cow::Owned(time.format("%m/%d/%Y %H:%M:%S").to_string())
        }
    }
}

/// A value with all dates in it written as Newtonsoft writes them when it has read them as dates.
pub(super) fn rewritten(json: &Json) -> Json {
    match json {
        Json::Text(text) => Json::Text(match parse(text) {
            None => text.clone(),
            Some(Date::Utc(time)) => format!("{}Z", with_fraction(time)),
            Some(Date::Unspecified(time)) => with_fraction(time),
            Some(Date::Local(time)) => format!("{}+00:00", with_fraction(time)),
        }),
        Json::Array(items) => Json::Array(items.iter().map(rewritten).collect()),
        Json::Object(members) => {
            Json::Object(members.iter().map(|(key, value)| (key.clone(), rewritten(value))).collect())
        }
        other => other.clone(),
    }
}

/// `2024-10-24T14:30:00.0012345+00:00`
pub(super) fn with_offset(time: Timestamp) -> String {
    format!("{}+00:00", with_fraction(time.naive_utc()))
}

/// `2024-10-24T14:30:00.0012345Z`
pub(super) fn with_z(time: Timestamp) -> String {
    format!("{}Z", with_fraction(time.naive_utc()))
}

/// `2024-10-24T14:30:00+00:00`: a `DateTimeOffset`, whose fraction the host loses.
pub(super) fn to_the_second(time: Timestamp) -> String {
    time.format("%Y-%m-%dT%H:%M:%S+00:00").to_string()
}

/// Up to seven digits of a fraction, without zeros at its end.
fn with_fraction(time: NaiveDateTime) -> String {
    let seconds = time.format("%Y-%m-%dT%H:%M:%S").to_string();
    match time.nanosecond() / 100 {
        0 => seconds,
        ticks => format!("{seconds}.{}", format!("{ticks:07}").trim_end_matches('0')),
    }
}

/// `yyyy-MM-ddTHH:mm:ss`, a fraction of at most seven digits, `Z` or an offset.
/// <https://github.com/JamesNK/Newtonsoft.Json/blob/13.0.3/Src/Newtonsoft.Json/Utilities/DateTimeParser.cs>
fn parse(text: &str) -> Option<Date> {
    let bytes = text.as_bytes();
    if !(19..=40).contains(&bytes.len()) || bytes[10] != b'T' || !text.is_ascii() {
        return None;
    }
    let number = |from: usize, to: usize| -> Option<u32> {
        let digits = &text[from..to];
        if digits.bytes().all(|b| b.is_ascii_digit()) { digits.parse().ok() } else { None }
    };
    let marks = [(4, b'-'), (7, b'-'), (13, b':'), (16, b':')];
    if marks.iter().any(|&(at, mark)| bytes[at] != mark) {
        return None;
    }
    let year = i32::try_from(number(0, 4)?).ok()?;
    let date = NaiveDate::from_ymd_opt(year, number(5, 7)?, number(8, 10)?)?;
    let rest = &text[19..];
    let digits = rest.strip_prefix('.').map_or(0, |f| f.bytes().take_while(u8::is_ascii_digit).count());
    if rest.starts_with('.') && !(1..=7).contains(&digits) {
        return None;
    }
    let (fraction, zone) = if digits == 0 { ("0", rest) } else { rest[1..].split_at(digits) };
    let ticks = fraction.parse::<u32>().ok()? * 10_u32.pow(7 - u32::try_from(fraction.len()).ok()?);
    let time = date.and_hms_nano_opt(number(11, 13)?, number(14, 16)?, number(17, 19)?, ticks * 100)?;
    match zone {
        "" => Some(Date::Unspecified(time)),
        "Z" | "z" => Some(Date::Utc(time)),
        zone => {
            let offset: FixedOffset = zone.parse().ok()?;
            Some(Date::Local(time - TimeDelta::seconds(offset.local_minus_utc().into())))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_texts_that_are_dates_are_rewritten() {
        assert_eq!(dated("2024-10-24T14:32:17.123Z"), "10/24/2024 14:32:17");
        assert_eq!(dated("2024-10-24T14:32:17"), "10/24/2024 14:32:17");
        for kept in [
            "2024-10-24",
            "2024-10-24T14:32:17.12345678Z",
            "2024-13-24T14:32:17Z",
            "x",
            "2024-10-24T14:32:17 Z",
        ] {
            assert_eq!(dated(kept), kept);
        }
    }

    #[test]
    fn dates_inside_values_keep_their_fraction() {
        let json =
            Json::parse(r#"{"a":["2024-10-24T14:32:17.500Z","2024-10-24T14:32:17.0"]}"#).unwrap().unwrap();
        assert_eq!(rewritten(&json).compact(), r#"{"a":["2024-10-24T14:32:17.5Z","2024-10-24T14:32:17"]}"#);
    }
}
