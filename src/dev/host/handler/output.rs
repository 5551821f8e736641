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
        let level = match source {
            Source::Stderr => level(&text, stderr_is_errors),
            _ => Level::Information,
        };
        journal.line(source, level, None, None, text);
    }
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
    fn lines_on_stderr_have_levels() {
        assert_eq!(level("some WARNing", true), Level::Warning);
        assert_eq!(level("plain", true), Level::Error);
        assert_eq!(level("plain", false), Level::Information);
        assert_eq!(level("it Failed", false), Level::Error);
    }
}
