//! Sentences in the language of whoever reads them.

pub(crate) mod markup;
mod number;

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fmt,
    sync::Mutex,
};

use chrono::{Datelike, NaiveDate};
use fluent_bundle::{FluentArgs, FluentResource, FluentValue, concurrent::FluentBundle};
use serde::{Deserialize, Serialize};
use unic_langid::LanguageIdentifier;

pub use number::read_number;

use crate::model::{Argument, Text};

/// The language of last resort: the engine's own sentences exist in it.
const LAST_RESORT: &str = "en";

/// The engine's own sentences, by language.
const ENGINE: [(&str, &str); 2] = [
    (LAST_RESORT, include_str!("../locales/en/backline.ftl")),
    ("de", include_str!("../locales/de/backline.ftl")),
];

/// The largest whole number that a Fluent number (an `f64`) holds exactly.
const EXACT: u64 = 1 << 53;

type Bundle = FluentBundle<FluentResource>;

/// Why sentences could not be taken in: a mistake in the app, told when it starts.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Not the name of a language.
    #[error("`{0}` is not a language tag such as `en` or `pt-BR`")]
    Language(String),
    /// Not Fluent (<https://projectfluent.org/fluent/guide/>).
    #[error("the locale file for `{language}` is broken at line {line}: {why}, near `{near}`")]
    Broken {
        /// Whose file.
        language: String,
        /// Where, counted from one.
        line: usize,
        /// What the parser missed.
        why: String,
        /// The text there.
        near: String,
    },
}

/// A language that people can be spoken to in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Language {
    /// Its IETF tag.
    pub tag: String,
    /// What it calls itself.
    pub name: String,
}

/// All sentences in all languages. Shared freely between threads.
pub struct Locales {
    /// By lower-case tag, for Telegram's tags come in any case.
    bundles: HashMap<String, Bundle>,
    /// What was already complained about.
    reported: Mutex<HashSet<String>>,
}

impl Default for Locales {
    fn default() -> Self {
        Self::new(&[]).expect("the engine's own sentences are Fluent: a test reads them")
    }
}

impl Locales {
    /// The engine's own sentences and these: pairs of a language tag and the text of a Fluent file. A language may have
    /// several files; of two messages with one id the later one counts.
    ///
    /// # Errors
    /// The first file that is broken.
    pub fn new(files: &[(&str, &str)]) -> Result<Self, Error> {
        let mut bundles = HashMap::new();
        for (language, source) in ENGINE.iter().chain(files) {
            let tag: LanguageIdentifier =
                language.parse().map_err(|_| Error::Language((*language).to_owned()))?;
            let resource = FluentResource::try_new((*source).to_owned()).map_err(|(_, errors)| {
                let first = errors.into_iter().next();
                let found = first.map(|error| {
                    (error.slice.map_or(error.pos.start, |entry| entry.start), error.kind.to_string())
                });
                broken(language, source, found.unwrap_or_default())
            })?;
            bundles
                .entry(tag.to_string().to_ascii_lowercase())
                .or_insert_with(|| empty_bundle(tag))
                .add_resource_overriding(resource);
        }
        Ok(Self { bundles, reported: Mutex::default() })
    }

    /// The languages there are, by their tags: those that say what they are called (`language-name`).
    #[must_use]
    pub fn languages(&self) -> Vec<Language> {
        let named = self.bundles.iter().filter_map(|(tag, bundle)| {
            let pattern = bundle.get_message("language-name")?.value()?;
            let name = bundle.format_pattern(pattern, None, &mut Vec::new()).into_owned();
            Some(Language { tag: tag.clone(), name })
        });
        let mut languages: Vec<Language> = named.collect();
        languages.sort();
        languages
    }

    /// The text as Telegram's HTML (<https://core.telegram.org/bots/api#html-style>), always well-formed. Markup comes
    /// from the locale files alone: literals and arguments are escaped. What a language lacks is looked for in its base
    /// language (`pt` for `pt-BR`), then in English; what no file has reads as its id. Never fails; what is missing is
    /// logged, once.
    #[must_use]
    pub fn render(&self, text: &Text, language: Option<&str>) -> String {
        markup::well_formed(&self.html(text, &self.fallbacks(language)))
    }

    /// The same without markup: for buttons, toasts and transcripts.
    #[must_use]
    pub fn plain(&self, text: &Text, language: Option<&str>) -> String {
        match text {
            Text::Literal(words) => words.clone(),
            _ => markup::plain(&self.html(text, &self.fallbacks(language))),
        }
    }

    /// Where to look for a message, in this order.
    fn fallbacks(&self, language: Option<&str>) -> Vec<&Bundle> {
        let mut bundles = Vec::with_capacity(2);
        let mut tag = language.unwrap_or_default().replace('_', "-").to_ascii_lowercase();
        while !tag.is_empty() && tag != LAST_RESORT {
            bundles.extend(self.bundles.get(&tag));
            tag.truncate(tag.rfind('-').unwrap_or(0));
        }
        bundles.extend(self.bundles.get(LAST_RESORT));
        bundles
    }

    fn html(&self, text: &Text, bundles: &[&Bundle]) -> String {
        match text {
            Text::Literal(words) => markup::escape(words),
            Text::Message { id, with } => self.message(id, with, bundles),
            Text::Lines { lines } => self.joined(lines, "\n", bundles),
            Text::Paragraphs(texts) => self.joined(texts, "\n\n", bundles),
        }
    }

    fn joined(&self, texts: &[Text], by: &str, bundles: &[&Bundle]) -> String {
        texts.iter().map(|text| self.html(text, bundles)).collect::<Vec<_>>().join(by)
    }

    fn message(&self, id: &str, with: &BTreeMap<String, Argument>, bundles: &[&Bundle]) -> String {
        let found = bundles.iter().enumerate().find_map(|(place, bundle)| {
            Some((place, bundle, bundle.get_message(id).and_then(|message| message.value())?))
        });
        let Some((place, bundle, pattern)) = found else {
            self.report(id, "no locale file has this message");
            return markup::escape(id);
        };
        if place > 0 && place + 1 == bundles.len() {
            self.report(id, &format!("`{}` has no such message: English stands in", tag(bundles[0])));
        }
        let mut arguments = FluentArgs::with_capacity(with.len());
        for (name, argument) in with {
            arguments.set(name.as_str(), self.value(argument, bundles));
        }
        let mut problems = Vec::new();
        let html = bundle.format_pattern(pattern, Some(&arguments), &mut problems).into_owned();
        for problem in problems {
            self.report(id, &problem.to_string());
        }
        html
    }

    fn value(&self, argument: &Argument, bundles: &[&Bundle]) -> FluentValue<'static> {
        match argument {
            Argument::Number(number) if number.unsigned_abs() <= EXACT => (*number).into(),
            Argument::Number(number) => number::in_digits(&number.to_string(), &tag(bundles[0])).into(),
            Argument::Fraction { fraction } => FluentValue::try_number(fraction).into_owned(),
            Argument::Date { date } => self.date(*date, bundles).into(),
            Argument::Text(text) => self.html(text, bundles).into(),
        }
    }

    /// A day, as the message `date` of the language writes it. Each language says so in its own file: so none needs more
    /// of this program than its sentences.
    fn date(&self, date: NaiveDate, bundles: &[&Bundle]) -> String {
        let numbers =
            [("day", date.day()), ("month", date.month()), ("weekday", date.weekday().number_from_monday())];
        let with = numbers.map(|(name, number)| (name.to_owned(), Argument::Number(number.into())));
        // A year is no quantity: it has no groups.
        let year = ("year".to_owned(), Text::literal(date.year().to_string()).into());
        self.message("date", &with.into_iter().chain([year]).collect(), bundles)
    }

    fn report(&self, id: &str, why: &str) {
        let mut reported = self.reported.lock().expect("nobody panics while holding the list");
        if reported.insert(format!("{id} {why}")) {
            tracing::warn!(message_id = id, why, "a text can't be rendered in full");
        }
    }
}

impl fmt::Debug for Locales {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Locales").field("languages", &self.bundles.keys()).finish_non_exhaustive()
    }
}

fn tag(bundle: &Bundle) -> String {
    bundle.locales.first().map_or_else(|| LAST_RESORT.to_owned(), ToString::to_string)
}

fn empty_bundle(tag: LanguageIdentifier) -> Bundle {
    let writes_numbers = number::writer(&tag.to_string());
    let mut bundle = Bundle::new_concurrent(vec![tag]);
    bundle.set_formatter(Some(writes_numbers));
    // Telegram would show the isolation marks as characters that count, and no argument of ours needs them.
    bundle.set_use_isolating(false);
    bundle.add_builtins().expect("a new bundle has no functions yet");
    bundle
}

fn broken(language: &str, source: &str, (at, why): (usize, String)) -> Error {
    let before = &source.as_bytes()[..at.min(source.len())];
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    let near = source.lines().nth(line - 1).unwrap_or_default().trim().chars().take(60).collect();
    Error::Broken { language: language.to_owned(), line, why, near }
}

#[cfg(test)]
mod tests;
