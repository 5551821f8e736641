//! Questions: what a script may ask, and what counts as an answer.

use std::{collections::BTreeSet, marker::PhantomData, rc::Rc};

use chrono::{NaiveDate, TimeDelta};
use futures_util::future::Either;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::model::{FileKind, FileRef, Person, Place, Text};

/// One of the things that can be chosen. Its key goes into the log and must not change; its label may.
pub trait Choice: Clone + 'static {
    /// What the log says: short, stable, and different for each.
    fn key(&self) -> String;
    /// What the button says.
    fn label(&self) -> Text;
}

/// `("north", Text::literal("North"))`: a choice that is its own key.
impl Choice for (String, Text) {
    fn key(&self) -> String {
        self.0.clone()
    }
    fn label(&self) -> Text {
        self.1.clone()
    }
}

impl Choice for Person {
    fn key(&self) -> String {
        self.id.to_string()
    }
    fn label(&self) -> Text {
        Text::literal(&self.name)
    }
}

/// A choice as the log and the head keep it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Offer {
    /// Its key.
    pub key: String,
    /// Its label.
    pub label: Text,
}

/// What kind of answer a question takes, with its limits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// One of these, by button. The answer is its key.
    Choice {
        /// In the order of the buttons.
        options: Vec<Offer>,
    },
    /// Several of these, by buttons and a last one for "done". The answer is a list of keys.
    Toggles {
        /// In the order of the buttons.
        options: Vec<Offer>,
        /// At least so many.
        min: usize,
        /// At most so many.
        max: usize,
    },
    /// Words.
    Text {
        /// At least so many characters.
        min: usize,
        /// At most so many characters.
        max: usize,
    },
    /// A number.
    Number {
        /// Not less.
        min: f64,
        /// Not more.
        max: f64,
        /// No fractions.
        whole: bool,
    },
    /// A day.
    Date {
        /// Not before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from: Option<NaiveDate>,
        /// Not after.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<NaiveDate>,
    },
    /// Files; those of one album are one answer.
    Files {
        /// Of these kinds.
        kinds: Vec<FileKind>,
        /// At most so many.
        max: usize,
    },
    /// A place on the map.
    Location,
}

/// One way to answer a question. Most questions have one, those made with [`Question::or`] several.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// What its answer is known by: scope, name, person and number once it is asked (`item.3/photo#0`).
    pub name: String,
    /// What is asked.
    pub text: Text,
    /// What is taken for an answer.
    pub kind: Kind,
}

/// Must the question be answered? See [`Required`] and [`Optional`].
pub trait Presence<T>: 'static {
    /// What the script gets.
    type Answer: 'static;
    /// What the script gets for this answer; nothing if the question still waits.
    fn of(answer: Option<T>) -> Option<Self::Answer>;
}

/// The question waits until it is answered.
pub enum Required {}
/// The question may be skipped, or its deadline may pass: the script gets an `Option`.
pub enum Optional {}

impl<T: 'static> Presence<T> for Required {
    type Answer = T;
    fn of(answer: Option<T>) -> Option<T> {
        answer
    }
}
impl<T: 'static> Presence<T> for Optional {
    type Answer = Option<T>;
    fn of(answer: Option<T>) -> Option<Option<T>> {
        Some(answer)
    }
}

type Reader<T> = Rc<dyn Fn(usize, &Value) -> Option<T>>;

/// Something to ask; give it to [`Chat::ask`](super::Chat::ask).
pub struct Question<T, P = Required> {
    pub(super) parts: Vec<Part>,
    pub(super) skippable: bool,
    pub(super) within: Option<TimeDelta>,
    /// Reads the answer to the part of this index; nothing if it is none (any more).
    pub(super) read: Reader<T>,
    presence: PhantomData<P>,
}

impl<T: 'static> Question<T> {
    fn new(name: &str, text: Text, kind: Kind, read: impl Fn(&Value) -> Option<T> + 'static) -> Self {
        let parts = vec![Part { name: name.to_owned(), text, kind }];
        Self {
            parts,
            skippable: false,
            within: None,
            read: Rc::new(move |_, value| read(value)),
            presence: PhantomData,
        }
    }

    /// Asks both under one prompt; whichever is answered first counts, under its own name.
    #[must_use]
    pub fn or<U: 'static>(self, other: Question<U>) -> Question<Either<T, U>> {
        let (mine, left, right) = (self.parts.len(), self.read, other.read);
        Question {
            parts: self.parts.into_iter().chain(other.parts).collect(),
            skippable: false,
            within: None,
            read: Rc::new(move |part, value| {
                if part < mine {
                    left(part, value).map(Either::Left)
                } else {
                    right(part - mine, value).map(Either::Right)
                }
            }),
            presence: PhantomData,
        }
    }
}

impl<T: 'static, P> Question<T, P> {
    /// May be skipped by a button.
    #[must_use]
    pub fn optional(self) -> Question<T, Optional> {
        let Self { parts, within, read, .. } = self;
        Question { parts, skippable: true, within, read, presence: PhantomData }
    }

    /// Waits no longer than this after it was first asked.
    #[must_use]
    pub fn within(self, limit: TimeDelta) -> Question<T, Optional> {
        let Self { parts, skippable, read, .. } = self;
        Question { parts, skippable, within: Some(limit), read, presence: PhantomData }
    }

    fn limits(mut self, change: impl FnOnce(&mut Kind)) -> Self {
        if let Some(part) = self.parts.last_mut() {
            change(&mut part.kind);
        }
        self
    }
}

impl<P> Question<String, P> {
    /// Takes texts of `min` to `max` characters only (without, 1 to 4,096).
    #[must_use]
    pub fn length(self, min: usize, max: usize) -> Self {
        self.limits(|kind| *kind = Kind::Text { min, max })
    }
}

impl<P> Question<f64, P> {
    /// Takes numbers from `min` to `max` only.
    #[must_use]
    pub fn range(self, min: f64, max: f64) -> Self {
        self.limits(|kind| {
            if let Kind::Number { whole, .. } = *kind {
                *kind = Kind::Number { min, max, whole };
            }
        })
    }

    /// Takes whole numbers only.
    #[must_use]
    pub fn whole(self) -> Self {
        self.limits(|kind| {
            if let Kind::Number { min, max, .. } = *kind {
                *kind = Kind::Number { min, max, whole: true };
            }
        })
    }
}

impl<P> Question<NaiveDate, P> {
    /// Takes days from `from` to `to` only, both included.
    #[must_use]
    pub fn between(self, from: NaiveDate, to: NaiveDate) -> Self {
        self.limits(|kind| *kind = Kind::Date { from: Some(from), to: Some(to) })
    }
}

impl<P> Question<Vec<FileRef>, P> {
    /// Takes at most so many files (without, 10).
    #[must_use]
    pub fn at_most(self, count: usize) -> Self {
        self.limits(|kind| {
            if let Kind::Files { max, .. } = kind {
                *max = count;
            }
        })
    }
}

impl<T: Choice, P> Question<BTreeSet<T>, P>
where
    T: Ord,
{
    /// Takes `min` to `max` of them only (without, any number).
    #[must_use]
    pub fn count(self, min: usize, max: usize) -> Self {
        self.limits(|kind| {
            if let Kind::Toggles { min: least, max: most, .. } = kind {
                (*least, *most) = (min, max);
            }
        })
    }
}

fn options<T: Choice>(choices: &[T]) -> Vec<Offer> {
    choices.iter().map(|choice| Offer { key: choice.key(), label: choice.label() }).collect()
}

/// One of `choices`, by button.
pub fn choice<T: Choice>(name: &str, text: Text, choices: impl IntoIterator<Item = T>) -> Question<T> {
    let choices: Vec<T> = choices.into_iter().collect();
    Question::new(name, text, Kind::Choice { options: options(&choices) }, move |value| {
        let key = value.as_str()?;
        choices.iter().find(|choice| choice.key() == key).cloned()
    })
}

/// Any number of `choices`, by buttons that are switched on and off.
pub fn toggles<T: Choice + Ord>(
    name: &str,
    text: Text,
    choices: impl IntoIterator<Item = T>,
) -> Question<BTreeSet<T>> {
    let choices: Vec<T> = choices.into_iter().collect();
    let kind = Kind::Toggles { options: options(&choices), min: 0, max: choices.len() };
    Question::new(name, text, kind, move |value| {
        let find =
            |key: &Value| choices.iter().find(|choice| Some(choice.key().as_str()) == key.as_str()).cloned();
        value.as_array()?.iter().map(find).collect()
    })
}

/// Yes or no.
#[must_use]
pub fn confirm(name: &str, text: Text) -> Question<bool> {
    let choices = [("yes".to_owned(), crate::text!("yes")), ("no".to_owned(), crate::text!("no"))];
    Question::new(name, text, Kind::Choice { options: options(&choices) }, |value| match value.as_str()? {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    })
}

/// One of `people`, by button.
#[must_use]
pub fn person(name: &str, text: Text, people: Vec<Person>) -> Question<Person> {
    choice(name, text, people)
}

/// Words.
#[must_use]
pub fn text(name: &str, text: Text) -> Question<String> {
    Question::new(name, text, Kind::Text { min: 1, max: 4096 }, |value| value.as_str().map(str::to_owned))
}

/// A number.
#[must_use]
pub fn number(name: &str, text: Text) -> Question<f64> {
    let kind = Kind::Number { min: f64::MIN, max: f64::MAX, whole: false };
    Question::new(name, text, kind, Value::as_f64)
}

/// A day.
#[must_use]
pub fn date(name: &str, text: Text) -> Question<NaiveDate> {
    Question::new(name, text, Kind::Date { from: None, to: None }, |value| value.as_str()?.parse().ok())
}

/// Files of these kinds: one, or those of one album, each with the words under it.
///
/// An album arrives file by file. The script goes on with the first one, and is played again with each that follows:
/// ask something else, such as "Shall I send it?", before anything final is done with them.
#[must_use]
pub fn files(name: &str, text: Text, kinds: &[FileKind]) -> Question<Vec<FileRef>> {
    let kind = Kind::Files { kinds: kinds.to_vec(), max: 10 };
    Question::new(name, text, kind, |value| Vec::<FileRef>::deserialize(value).ok())
}

/// Photos: one, or those of one album.
#[must_use]
pub fn photos(name: &str, text: Text) -> Question<Vec<FileRef>> {
    files(name, text, &[FileKind::Photo])
}

/// A place on the map.
#[must_use]
pub fn location(name: &str, text: Text) -> Question<Place> {
    Question::new(name, text, Kind::Location, |value| Place::deserialize(value).ok())
}

impl Kind {
    /// Does an answer given earlier (perhaps to another version of the script) still keep to the limits?
    #[must_use]
    pub fn accepts(&self, value: &Value) -> bool {
        let has =
            |options: &[Offer], key: &Value| options.iter().any(|o| Some(o.key.as_str()) == key.as_str());
        match self {
            Self::Choice { options } => has(options, value),
            Self::Toggles { options, min, max } => value.as_array().is_some_and(|keys| {
                (*min..=*max).contains(&keys.len()) && keys.iter().all(|key| has(options, key))
            }),
            Self::Text { min, max } => {
                value.as_str().is_some_and(|words| (*min..=*max).contains(&words.chars().count()))
            }
            Self::Number { min, max, whole } => value
                .as_f64()
                .is_some_and(|number| (*min..=*max).contains(&number) && (!whole || number.fract() == 0.0)),
            Self::Date { from, to } => value
                .as_str()
                .and_then(|day| day.parse::<NaiveDate>().ok())
                .is_some_and(|day| from.is_none_or(|from| day >= from) && to.is_none_or(|to| day <= to)),
            Self::Files { kinds, max } => Vec::<FileRef>::deserialize(value).is_ok_and(|files| {
                (1..=*max).contains(&files.len()) && files.iter().all(|file| kinds.contains(&file.kind))
            }),
            Self::Location => Place::deserialize(value).is_ok(),
        }
    }

    /// What can be chosen, if it is answered by choosing.
    pub(super) fn offers(&self) -> &[Offer] {
        match self {
            Self::Choice { options } | Self::Toggles { options, .. } => options,
            _ => &[],
        }
    }

    /// Can this be answered by buttons?
    #[must_use]
    pub fn has_buttons(&self) -> bool {
        matches!(self, Self::Choice { .. } | Self::Toggles { .. })
    }
}
