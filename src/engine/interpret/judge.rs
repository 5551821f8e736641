//! Is what somebody sent an answer to what was asked?

use chrono::{Datelike, NaiveDate};
use serde_json::{Value, json};

use crate::{
    engine::question::{Kind, Part},
    locale::read_number,
    model::{Content, FileRef, Input, Text},
    text,
};

/// What something somebody sent is to one way of answering.
pub(super) enum Judged {
    /// An answer.
    Answer(Value),
    /// Of the right kind, but not within the limits: this is why.
    Refused(Text),
    /// A file, but not one of the kinds that are asked for.
    OtherFile,
    /// Something else altogether.
    Other,
}

pub(super) fn judge(part: &Part, content: &Content, input: &Input) -> Judged {
    match (&part.kind, content) {
        (Kind::Text { min, max }, Content::Text(words)) => match words.trim().chars().count() {
            length if length < *min => Judged::Refused(text!("too-short", count = *min)),
            length if length > *max => Judged::Refused(text!("too-long", count = *max)),
            _ => Judged::Answer(json!(words.trim())),
        },
        (Kind::Number { min, max, whole }, Content::Text(words)) => {
            let language = input.from.as_ref().and_then(|person| person.language.as_deref());
            number(words, language, *min, *max, *whole)
        }
        (Kind::Date { from, to }, Content::Text(words)) => day(words, *from, *to, input),
        (Kind::Choice { options }, Content::Text(words)) => {
            // Who types what a button says has chosen, where the button says the same to everybody.
            let typed = Text::literal(words.trim());
            match options.iter().find(|option| option.label == typed) {
                Some(option) => Judged::Answer(json!(option.key)),
                None => Judged::Other,
            }
        }
        (Kind::Files { kinds, .. }, Content::File { file, caption, .. }) => {
            if kinds.contains(&file.kind) {
                Judged::Answer(json!([captioned(file, caption.as_ref())]))
            } else {
                Judged::OtherFile
            }
        }
        (Kind::Location, Content::Location(place)) => Judged::Answer(json!(place)),
        _ => Judged::Other,
    }
}

/// The file as a part of an answer: with the words under it.
pub(super) fn captioned(file: &FileRef, caption: Option<&String>) -> FileRef {
    FileRef { caption: caption.cloned(), ..file.clone() }
}

fn number(words: &str, language: Option<&str>, min: f64, max: f64, whole: bool) -> Judged {
    match read_number(words, language, whole) {
        None => Judged::Refused(text!("not-a-number")),
        Some(number) if whole && number.fract() != 0.0 => Judged::Refused(text!("not-whole")),
        Some(number) if number < min => Judged::Refused(text!("too-little", least = min)),
        Some(number) if number > max => Judged::Refused(text!("too-much", most = max)),
        Some(number) => Judged::Answer(json!(number)),
    }
}

/// `2026-08-01`, `1.8.2026`, `1.8.26`, or `1.8.` for the next such day.
fn day(words: &str, from: Option<NaiveDate>, to: Option<NaiveDate>, input: &Input) -> Judged {
    let words = words.trim();
    let today = input.at.date_naive();
    let without_year = || {
        let this_year = NaiveDate::parse_from_str(
            &format!("{}{}", words.trim_end_matches('.'), today.format(".%Y")),
            "%d.%m.%Y",
        );
        this_year.ok().and_then(|day| if day < today { day.with_year(day.year() + 1) } else { Some(day) })
    };
    let day = words
        .parse()
        .ok()
        .or_else(|| NaiveDate::parse_from_str(words, "%d.%m.%Y").ok().and_then(this_century))
        .or_else(without_year);
    match day {
        None => Judged::Refused(text!("not-a-date")),
        Some(day) if from.is_some_and(|from| day < from) => {
            Judged::Refused(text!("too-early", first = from.unwrap_or(day)))
        }
        Some(day) if to.is_some_and(|to| day > to) => {
            Judged::Refused(text!("too-late", last = to.unwrap_or(day)))
        }
        Some(day) => Judged::Answer(json!(day)),
    }
}

/// Nobody means the year 26.
fn this_century(day: NaiveDate) -> Option<NaiveDate> {
    if (0..100).contains(&day.year()) { day.with_year(day.year() + 2000) } else { Some(day) }
}
