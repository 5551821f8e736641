//! Durations as .NET's `TimeSpan` writes them: `[d.]hh:mm:ss[.fraction]`.
//! <https://learn.microsoft.com/dotnet/standard/base-types/standard-timespan-format-strings>

use std::time::Duration;

use anyhow::{Context, Result, bail};

/// `TimeSpan.MaxValue` has so many days (<https://learn.microsoft.com/dotnet/api/system.timespan.maxvalue>).
const MOST_DAYS: u64 = 10_675_199;

/// Reads a time span.
pub(super) fn parse(text: &str) -> Result<Duration> {
    read(text.trim()).with_context(|| format!("`{text}` is no time span like 00:00:30"))
}

fn read(text: &str) -> Option<Duration> {
    let (days, clock) = match text.split_once('.') {
        Some((days, rest)) if rest.contains(':') => (days.parse::<u64>().ok()?, rest),
        _ => (0, text),
    };
    let mut parts = clock.split(':');
    let hours: u64 = parts.next()?.parse().ok()?;
    let minutes: u64 = parts.next()?.parse().ok()?;
    let seconds: f64 = parts.next().map_or(Some(0.0), |seconds| seconds.parse().ok())?;
    let fits = parts.next().is_none()
        && days <= MOST_DAYS
        && hours < 24
        && minutes < 60
        && (0.0..60.0).contains(&seconds);
    fits.then(|| {
        Duration::from_secs(days * 86_400 + hours * 3_600 + minutes * 60) + Duration::from_secs_f64(seconds)
    })
}

/// The same, and longer than nothing.
pub(super) fn parse_positive(text: &str) -> Result<Duration> {
    let duration = parse(text)?;
    if duration.is_zero() {
        bail!("`{text}` is no time at all");
    }
    Ok(duration)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_spans_are_read() {
        assert_eq!(parse("00:01:30").unwrap(), Duration::from_secs(90));
        assert_eq!(parse("1.02:00:00.5").unwrap(), Duration::from_millis(93_600_500));
        for wrong in ["", "5", "00:60:00", "x:00:00", "00:00:00:00", "9999999999999999999.00:00:00"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
        assert!(parse_positive("00:00:00").is_err());
    }
}
