//! Reads one act of a transcript.

use chrono::TimeDelta;
use serde_json::Value;

use crate::model::{FileKind, Place};

/// What a line of a transcript makes happen.
#[derive(Debug, PartialEq)]
pub(in crate::engine) enum Act<'a> {
    Writes { who: &'a str, words: &'a str },
    Edits { who: &'a str, words: &'a str },
    Replies { who: &'a str, to: &'a str, words: &'a str },
    Taps { who: &'a str, label: &'a str },
    SendsFile { who: &'a str, kind: FileKind },
    SendsAlbum { who: &'a str, count: usize },
    SendsLocation { who: &'a str, place: Place },
    Returns { activity: &'a str, outcome: Result<Value, String> },
    Blocks { who: &'a str, blocks: bool },
    Passes(TimeDelta),
}

/// Reads a line that is an act.
pub(super) fn read(line: &str) -> Result<Act<'_>, String> {
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
    if let Some((who, what)) = act.split_once(" replies to ").filter(|(who, _)| !who.contains(' ')) {
        let (to, words) = what.split_once(": ")?;
        return Some(Act::Replies { who, to, words });
    }
    if let Some((who, what)) = act.split_once(": ").or_else(|| Some((act.strip_suffix(':')?, ""))) {
        return Some(match who.split_once(' ') {
            None => Act::Writes { who, words: what },
            Some((who, "taps")) => Act::Taps { who, label: what },
            Some((who, "edits")) => Act::Edits { who, words: what },
            Some(_) => return None,
        });
    }
    let (who, what) = act.split_once(" sends ")?;
    let what = what.strip_prefix("an ").or_else(|| what.strip_prefix("a ")).unwrap_or(what);
    let mut words = what.split_whitespace();
    let file = |kind| Some(Act::SendsFile { who, kind });
    match words.next()? {
        "photo" => file(FileKind::Photo),
        "document" => file(FileKind::Document),
        "voice" => file(FileKind::Voice),
        "video" => file(FileKind::Video),
        "sticker" => file(FileKind::Sticker),
        "album" => {
            let count = words.nth(1)?.parse().ok()?;
            Some(Act::SendsAlbum { who, count })
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
    if let Some(who) = act.strip_suffix(" blocks the bot") {
        return Some(Act::Blocks { who, blocks: true });
    }
    if let Some(who) = act.strip_suffix(" unblocks the bot") {
        return Some(Act::Blocks { who, blocks: false });
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
