//! Reads one act of a transcript.

use chrono::TimeDelta;
use serde_json::Value;

use crate::model::{FileKind, Place};

/// Who does something, and where: without a place, in private with the bot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) struct Actor<'a> {
    pub(in crate::engine) name: &'a str,
    /// A group, or a topic of one: `Crew/Food`. Whoever is called like the group writes in its name.
    pub(in crate::engine) place: Option<&'a str>,
}

impl<'a> From<&'a str> for Actor<'a> {
    fn from(name: &'a str) -> Self {
        Self { name, place: None }
    }
}

/// What a line of a transcript makes happen.
#[derive(Debug, PartialEq)]
pub(in crate::engine) enum Act<'a> {
    Writes {
        who: Actor<'a>,
        words: &'a str,
    },
    Edits {
        who: Actor<'a>,
        words: &'a str,
    },
    Replies {
        who: Actor<'a>,
        to: &'a str,
        words: &'a str,
    },
    /// A button of the newest message that has one of this label, of those that begin like this.
    Taps {
        who: Actor<'a>,
        label: &'a str,
        under: &'a str,
    },
    SendsFile {
        who: Actor<'a>,
        kind: FileKind,
        caption: Option<&'a str>,
    },
    /// The caption goes with the first photo, where Telegram's clients put it.
    SendsAlbum {
        who: Actor<'a>,
        count: usize,
        caption: Option<&'a str>,
    },
    SendsLocation {
        who: Actor<'a>,
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
    let (name, what) = word(act)?;
    let (place, what) = match what.strip_prefix(" in ") {
        Some(rest) => word(rest).map(|(place, what)| (Some(place), what))?,
        None => (None, what),
    };
    let who = Actor { name, place };
    if let Some(words) = what.strip_prefix(':') {
        return Some(Act::Writes { who, words: words.strip_prefix(' ').unwrap_or(words) });
    }
    let (deed, what) = word(what.trim_start())?;
    let plain = what.strip_prefix(": ").or_else(|| what.strip_prefix(':'));
    match (deed, plain) {
        ("taps", Some(label)) => Some(Act::Taps { who, label, under: "" }),
        ("taps", None) => {
            let (label, under) = what.trim_start().split_once(" under ")?;
            Some(Act::Taps { who, label, under })
        }
        ("edits", Some(words)) => Some(Act::Edits { who, words }),
        ("replies", None) => {
            let (to, words) = what.strip_prefix(" to ")?.split_once(": ")?;
            Some(Act::Replies { who, to, words })
        }
        ("sends", None) => sends(who, what.trim_start()),
        _ => None,
    }
}

/// The word that `text` begins with, and what stands behind it.
fn word(text: &str) -> Option<(&str, &str)> {
    let end = text.find([' ', ':'])?;
    (end > 0).then(|| text.split_at(end))
}

/// Who does it, and to what. Names have one word.
fn done_by<'a>(act: &'a str, deed: &str) -> Option<(&'a str, &'a str)> {
    act.split_once(deed).filter(|(who, _)| !who.contains([' ', ':']))
}

fn sends<'a>(who: Actor<'a>, what: &'a str) -> Option<Act<'a>> {
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
    if let Some(who) = act.strip_suffix(" blocks the bot").or_else(|| act.strip_suffix(" throws the bot out"))
    {
        return Some(Act::Blocks { who, blocks: true });
    }
    if let Some(who) = act.strip_suffix(" unblocks the bot").or_else(|| act.strip_suffix(" lets the bot in"))
    {
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
