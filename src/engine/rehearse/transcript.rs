//! Reads one act of a transcript.

use chrono::TimeDelta;
use serde_json::Value;

use crate::model::{FileKind, Place};

/// What a line of a transcript makes happen.
#[derive(Debug, PartialEq)]
pub(crate) enum Act<'a> {
    Writes {
        who: &'a str,
        words: &'a str,
    },
    Edits {
        who: &'a str,
        words: &'a str,
    },
    Replies {
        who: &'a str,
        to: &'a str,
        words: &'a str,
    },
    /// A button of the newest message that has one of this label, of those that begin like this.
    Taps {
        who: &'a str,
        label: &'a str,
        under: &'a str,
    },
    SendsFile {
        who: &'a str,
        kind: FileKind,
        caption: Option<&'a str>,
    },
    /// The caption goes with the first photo, where Telegram's clients put it.
    SendsAlbum {
        who: &'a str,
        count: usize,
        caption: Option<&'a str>,
    },
    SendsLocation {
        who: &'a str,
        place: Place,
    },
    Returns {
        activity: &'a str,
        outcome: Result<Value, String>,
    },
    Comes {
        who: &'a str,
    },
    Speaks {
        who: &'a str,
        language: &'a str,
    },
    Blocks {
        who: &'a str,
        blocks: bool,
    },
    Passes(TimeDelta),
}

/// Reads a line that is an act.
pub(crate) fn read(line: &str) -> Result<Act<'_>, String> {
    let unknown =
        || format!("`{line}` is no act; see the documentation of `rehearse` for what can be played");
    if let Some(act) = line.strip_prefix('>') {
        return somebody(act.trim()).ok_or_else(unknown);
    }
    if let Some(act) = line.strip_prefix('~') {
        return the_world(act.trim()).ok_or_else(unknown);
    }
    let time = line.strip_prefix('…').or_else(|| line.strip_prefix("...")).ok_or_else(unknown)?;
    passes(time.trim()).ok_or_else(unknown)
}

fn somebody(act: &str) -> Option<Act<'_>> {
    if let Some((who, what)) = done_by(act, " replies to ") {
        let (to, words) = what.split_once(": ")?;
        return Some(Act::Replies { who, to, words });
    }
    if let Some((who, what)) = done_by(act, " taps ") {
        let (label, under) = what.split_once(" under ")?;
        return Some(Act::Taps { who, label, under });
    }
    if let Some((who, what)) = done_by(act, " sends ") {
        return sends(who, what);
    }
    let (who, what) = act.split_once(": ").or_else(|| Some((act.strip_suffix(':')?, "")))?;
    match who.split_once(' ') {
        None => Some(Act::Writes { who, words: what }),
        Some((who, "taps")) => Some(Act::Taps { who, label: what, under: "" }),
        Some((who, "edits")) => Some(Act::Edits { who, words: what }),
        Some(_) => None,
    }
}

/// Who does it, and to what. Names have one word.
fn done_by<'a>(act: &'a str, deed: &str) -> Option<(&'a str, &'a str)> {
    act.split_once(deed).filter(|(who, _)| !who.contains([' ', ':']))
}

fn sends<'a>(who: &'a str, what: &'a str) -> Option<Act<'a>> {
    let (what, caption) = what.split_once(": ").map_or((what, None), |(what, words)| (what, Some(words)));
    let what = what.strip_prefix("an ").or_else(|| what.strip_prefix("a ")).unwrap_or(what);
    let mut words = what.split_whitespace();
    let file = |kind| Some(Act::SendsFile { who, kind, caption });
    match words.next()? {
        "photo" => file(FileKind::Photo),
        "document" => file(FileKind::Document),
        "voice" => file(FileKind::Voice),
        "video" => file(FileKind::Video),
        "sticker" => file(FileKind::Sticker),
        "album" => {
            let count = words.nth(1)?.parse().ok()?;
            Some(Act::SendsAlbum { who, count, caption })
        }
        "location" => {
            let mut degrees = words.map(|word| word.trim_end_matches(',').parse().ok());
            let (latitude, longitude) = (degrees.next()??, degrees.next()??);
            Some(Act::SendsLocation { who, place: Place { latitude, longitude } })
        }
        _ => None,
    }
}

fn the_world(act: &str) -> Option<Act<'_>> {
    if let Some(who) = act.strip_suffix(" is here") {
        return Some(Act::Comes { who });
    }
    if let Some(who) = act.strip_suffix(" blocks the bot") {
        return Some(Act::Blocks { who, blocks: true });
    }
    if let Some(who) = act.strip_suffix(" unblocks the bot") {
        return Some(Act::Blocks { who, blocks: false });
    }
    if let Some((who, language)) = done_by(act, " speaks ") {
        return Some(Act::Speaks { who, language });
    }
    let (activity, what) = act.split_once(": ")?;
    if let Some(activity) = activity.strip_suffix(" fails") {
        return Some(Act::Returns { activity, outcome: Err(what.to_owned()) });
    }
    let value = serde_json::from_str(what).unwrap_or_else(|_| Value::String(what.to_owned()));
    Some(Act::Returns { activity, outcome: Ok(value) })
}

fn passes(time: &str) -> Option<Act<'static>> {
    let mut words = time.split_whitespace();
    let count: i64 = words.next()?.parse().ok()?;
    let delta = match words.next()?.trim_end_matches('s') {
        "second" => TimeDelta::try_seconds(count)?,
        "minute" => TimeDelta::try_minutes(count)?,
        "hour" => TimeDelta::try_hours(count)?,
        "day" => TimeDelta::try_days(count)?,
        _ => return None,
    };
    matches!(words.next()?, "pass" | "passes").then_some(Act::Passes(delta))
}
