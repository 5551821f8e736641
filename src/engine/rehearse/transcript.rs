//! Reads one act of a transcript.

use chrono::TimeDelta;
use serde_json::Value;

use crate::model::{FileKind, Place};

/// What becomes of a file that somebody sends, should a workflow keep it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Fate {
    #[default]
    Kept,
    /// Telegram no longer has it.
    Expired,
    /// Its content is not what its kind says.
    Forged,
    Large {
        megabytes: u64,
    },
}

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
    /// Several are an album.
    SendsFiles {
        who: &'a str,
        files: Vec<FileKind>,
        /// Whether they can be kept.
        fate: Fate,
        /// It goes with the first, where Telegram's clients put it.
        caption: Option<&'a str>,
        /// In reply to the newest message that begins so.
        to: Option<&'a str>,
    },
    SendsLocation {
        who: &'a str,
        place: Place,
    },
    /// A live location that they sent before shows it.
    Moves {
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
        return replies(who, what);
    }
    if let Some((who, what)) = done_by(act, " taps ") {
        let (label, under) = what.split_once(" under ")?;
        return Some(Act::Taps { who, label, under });
    }
    if let Some((who, what)) = done_by(act, " sends ") {
        return sends(who, what);
    }
    if let Some((who, what)) = done_by(act, " moves to ") {
        return Some(Act::Moves { who, place: place(what.split_whitespace())? });
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

fn replies<'a>(who: &'a str, what: &'a str) -> Option<Act<'a>> {
    // Words may speak of `with`; so may what they reply to.
    let (before, _) = what.split_once(": ").unwrap_or((what, ""));
    let files = before.rfind(" with a").and_then(|place| {
        let (to, files) = (&what[..place], &what[place + " with ".len()..]);
        match sends(who, files)? {
            Act::SendsFiles { files, fate, caption, .. } => {
                Some(Act::SendsFiles { who, files, fate, caption, to: Some(to) })
            }
            _ => None,
        }
    });
    files.or_else(|| {
        let (to, words) = what.split_once(": ")?;
        Some(Act::Replies { who, to, words })
    })
}

fn sends<'a>(who: &'a str, what: &'a str) -> Option<Act<'a>> {
    let (what, caption) = what.split_once(": ").map_or((what, None), |(what, words)| (what, Some(words)));
    let what = what.strip_prefix("an ").or_else(|| what.strip_prefix("a ")).unwrap_or(what);
    if let Some(files) = what.strip_prefix("album of ") {
        let files: Vec<_> = files.split(", ").map(several).collect::<Option<_>>()?;
        let fate = files.iter().map(|(_, fate)| *fate).find(|fate| *fate != Fate::Kept).unwrap_or_default();
        let files: Vec<FileKind> = files.into_iter().flat_map(|(kinds, _)| kinds).collect();
        let fits = (2..=10).contains(&files.len());
        return fits.then_some(Act::SendsFiles { who, files, fate, caption, to: None });
    }
    if let Some((kind, fate)) = file(what) {
        return Some(Act::SendsFiles { who, files: vec![kind], fate, caption, to: None });
    }
    let mut words = what.split_whitespace();
    match words.next()? {
        "location" => Some(Act::SendsLocation { who, place: place(words)? }),
        "live" if words.next() == Some("location") => Some(Act::SendsLocation { who, place: place(words)? }),
        _ => None,
    }
}

/// `3 photos`
fn several(files: &str) -> Option<(Vec<FileKind>, Fate)> {
    let (count, what) = files.split_once(' ')?;
    let (kind, fate) = file(what.strip_suffix('s').unwrap_or(what))?;
    Some((vec![kind; count.parse().ok()?], fate))
}

/// `photo`, `expired photo`, `forged photo`, `photo of 30 MB`
fn file(what: &str) -> Option<(FileKind, Fate)> {
    if let Some((kind, size)) = what.split_once(" of ") {
        let megabytes = size.strip_suffix(" MB")?.parse().ok()?;
        return Some((kind_of_file(kind)?, Fate::Large { megabytes }));
    }
    match what.split_once(' ') {
        Some(("expired", kind)) => Some((kind_of_file(kind)?, Fate::Expired)),
        Some(("forged", kind)) => Some((kind_of_file(kind)?, Fate::Forged)),
        Some(_) => None,
        None => Some((kind_of_file(what)?, Fate::Kept)),
    }
}

fn kind_of_file(word: &str) -> Option<FileKind> {
    KINDS.iter().find(|(_, name)| *name == word).map(|(kind, _)| *kind)
}

/// What a transcript calls a file.
pub(crate) fn name_of_kind(kind: FileKind) -> &'static str {
    KINDS.iter().find(|(known, _)| *known == kind).map_or("file", |(_, name)| name)
}

const KINDS: [(FileKind, &str); 6] = [
    (FileKind::Photo, "photo"),
    (FileKind::Document, "document"),
    (FileKind::Voice, "voice"),
    (FileKind::Audio, "audio"),
    (FileKind::Video, "video"),
    (FileKind::Sticker, "sticker"),
];

fn place<'a>(words: impl Iterator<Item = &'a str>) -> Option<Place> {
    let mut degrees = words.map(|word| word.trim_end_matches(',').parse().ok());
    let (latitude, longitude) = (degrees.next()??, degrees.next()??);
    Some(Place { latitude, longitude })
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
