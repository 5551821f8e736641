//! What the handler prints, as log lines.

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};

use super::super::{
    events::{Level, Source},
    journal::Journal,
};

/// Turns the lines of a stream into log lines until it ends.
pub(super) async fn tell(
    stream: impl AsyncRead + Unpin,
    source: Source,
    stderr_is_errors: bool,
    journal: Journal,
) {
    let mut lines = BufReader::new(stream).split(b'\n');
    while let Ok(Some(line)) = lines.next_segment().await {
        let text = String::from_utf8_lossy(&line).trim_end_matches('\r').to_owned();
        // Lines of the second kind are for tools: what they say is said elsewhere too.
        if text.trim().is_empty() || text.starts_with("azfuncjsonlog:") {
            continue;
        }
        let (said, own) = without_time(&text);
        let level = match source {
            Source::Stderr => level(&text, stderr_is_errors),
            _ => own.unwrap_or(Level::Information),
        };
        journal.line(source, level, None, None, said.to_owned());
    }
}

/// A line without the time it begins with, for the log has one, and without the level after that, but with how bad that
/// is. Lines of other forms stay as they are.
/// <https://docs.rs/tracing-subscriber/latest/tracing_subscriber/fmt/format/struct.Full.html>
fn without_time(line: &str) -> (&str, Option<Level>) {
    let Some((time, rest)) = line.split_once(' ') else { return (line, None) };
    if chrono::DateTime::parse_from_rfc3339(time).is_err() {
        return (line, None);
    }
    let rest = rest.trim_start();
    let level = match rest.split_once(' ') {
        Some(("INFO", _)) => Level::Information,
        Some(("WARN", _)) => Level::Warning,
        Some(("ERROR", _)) => Level::Error,
        // What is finer keeps its word, for it is all information here.
        _ => return (rest, None),
    };
    (rest.split_once(' ').map_or(rest, |(_, said)| said), Some(level))
}

/// How bad a line on stderr is.
fn level(text: &str, errors_only: bool) -> Level {
    let text = text.to_lowercase();
    if text.contains("warn") {
        Level::Warning
    } else if errors_only
        || ["error", "fail", "severe", "unhandled exception"].iter().any(|word| text.contains(word))
    {
        Level::Error
    } else {
        Level::Information
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_said_without_its_own_time_and_level() {
        for (line, said, own) in [
            ("2026-01-01T00:00:00.123456Z  INFO ready port=1", "ready port=1", Some(Level::Information)),
            ("2026-01-01T00:00:00Z  WARN slow", "slow", Some(Level::Warning)),
            ("2026-01-01T00:00:00+01:00 ERROR no", "no", Some(Level::Error)),
            ("2026-01-01T00:00:00Z DEBUG fine", "DEBUG fine", None),
            ("2026-01-01T00:00:00Z listening", "listening", None),
            ("INFO without a time", "INFO without a time", None),
            ("2026 was a good year", "2026 was a good year", None),
            ("listening", "listening", None),
        ] {
            assert_eq!(without_time(line), (said, own), "{line}");
        }
    }

    #[test]
    fn lines_on_stderr_have_levels() {
        assert_eq!(level("some WARNing", true), Level::Warning);
        assert_eq!(level("plain", true), Level::Error);
        assert_eq!(level("plain", false), Level::Information);
        assert_eq!(level("it Failed", false), Level::Error);
    }
}
