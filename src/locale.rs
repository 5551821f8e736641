//! Sentences in the language of whoever reads them.

pub(crate) mod markup;

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fmt,
    sync::Mutex,
};

use fluent_bundle::{FluentArgs, FluentResource, FluentValue, concurrent::FluentBundle};
use unic_langid::LanguageIdentifier;

use crate::model::{Argument, Text};

/// The language of last resort: the engine's own sentences exist in it.
const LAST_RESORT: &str = "en";

/// The engine's own sentences.
const ENGINE: &str = include_str!("../locales/en/backline.ftl");

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
        for (language, source) in std::iter::once(&(LAST_RESORT, ENGINE)).chain(files) {
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
        let found =
            bundles.iter().find_map(|bundle| Some((bundle, bundle.get_message(id).and_then(|m| m.value())?)));
        let Some((bundle, pattern)) = found else {
            self.report(id, "no locale file has this message");
            return markup::escape(id);
        };
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
            Argument::Number(number) => number.to_string().into(),
            Argument::Text(text) => self.html(text, bundles).into(),
        }
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

fn empty_bundle(tag: LanguageIdentifier) -> Bundle {
    let mut bundle = Bundle::new_concurrent(vec![tag]);
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
mod tests {
    use super::*;
    use crate::text;

    const ENGLISH: &str = "\
greeting = Hello, <b>{ $name }</b>!
link = See <a href=\"{ $url }\">this</a>
issues = { $count ->
    [one] one issue
   *[other] { $count } issues
}
kind-technical = <i>technical</i>
only-english = only in English
sloppy = 1 < 2 & <b>bold <i>both</b> </u> <blink>
yes = Yes!
";
    const GERMAN: &str = "greeting = Hallo, <b>{ $name }</b>!\nkind-technical = <i>technisch</i>\n";

    fn locales() -> Locales {
        Locales::new(&[("en", ENGLISH), ("de", GERMAN), ("de-CH", "greeting = Grüezi, { $name }!")]).unwrap()
    }

    #[test]
    fn arguments_and_literals_are_escaped_and_locale_markup_is_not() {
        let locales = locales();
        let evil = "<i>\"Eve\"</i> & Co";
        assert_eq!(
            locales.render(&text!("greeting", name = evil), None),
            "Hello, <b>&lt;i&gt;\"Eve\"&lt;/i&gt; &amp; Co</b>!"
        );
        assert_eq!(locales.plain(&text!("greeting", name = evil), None), format!("Hello, {evil}!"));
        assert_eq!(locales.render(&Text::literal(evil), None), "&lt;i&gt;\"Eve\"&lt;/i&gt; &amp; Co");
        assert_eq!(locales.plain(&Text::literal(evil), None), evil);
    }

    #[test]
    fn an_argument_cannot_leave_an_attribute() {
        let html = locales().render(&text!("link", url = "x\"><b>"), None);
        assert_eq!(html, "See <a href=\"x&quot;&gt;&lt;b&gt;\">this</a>");
    }

    #[test]
    fn a_language_falls_back_to_its_base_then_to_english_then_to_the_id() {
        let locales = locales();
        let greeting = text!("greeting", name = "Ada");
        for (language, expected) in [
            (Some("de-CH"), "Grüezi, Ada!"),
            (Some("de-ch"), "Grüezi, Ada!"),
            (Some("de_AT"), "Hallo, <b>Ada</b>!"),
            (Some("tlh"), "Hello, <b>Ada</b>!"),
            (Some("not a language"), "Hello, <b>Ada</b>!"),
            (Some(""), "Hello, <b>Ada</b>!"),
            (None, "Hello, <b>Ada</b>!"),
        ] {
            assert_eq!(locales.render(&greeting, language), expected, "{language:?}");
        }
        assert_eq!(locales.render(&text!("only-english"), Some("de-CH")), "only in English");
        assert_eq!(locales.render(&text!("nobody-has-this"), Some("de")), "nobody-has-this");
    }

    #[test]
    fn a_nested_text_speaks_the_language_around_it() {
        let nested = text!("greeting", name = text!("kind-technical"));
        assert_eq!(locales().render(&nested, Some("de")), "Hallo, <b><i>technisch</i></b>!");
        assert_eq!(locales().plain(&nested, Some("de")), "Hallo, technisch!");
    }

    #[test]
    fn numbers_follow_plural_rules_and_keep_all_their_digits() {
        let locales = locales();
        assert_eq!(locales.render(&text!("issues", count = 1_i64), None), "one issue");
        assert_eq!(locales.render(&text!("issues", count = 1_234_567_i64), None), "1234567 issues");
        assert_eq!(locales.render(&text!("issues", count = i64::MIN), None), format!("{} issues", i64::MIN));
    }

    #[test]
    fn a_missing_variable_leaves_its_name_and_is_reported_once() {
        let locales = locales();
        for _ in 0..3 {
            assert_eq!(locales.render(&text!("greeting"), None), "Hello, <b>{$name}</b>!");
            assert_eq!(locales.render(&text!("gone"), None), "gone");
        }
        assert_eq!(locales.reported.lock().unwrap().len(), 2);
    }

    #[test]
    fn sloppy_markup_comes_out_well_formed() {
        assert_eq!(
            locales().render(&text!("sloppy"), None),
            "1 &lt; 2 &amp; <b>bold <i>both</i></b>  &lt;blink&gt;"
        );
    }

    #[test]
    fn paragraphs_have_a_blank_line_between_them() {
        let text = Text::Paragraphs(vec![text!("only-english"), Text::literal("a & b")]);
        assert_eq!(locales().render(&text, None), "only in English\n\na &amp; b");
    }

    #[test]
    fn a_later_file_overrides_the_engine_s_sentences() {
        assert_eq!(locales().plain(&text!("yes"), None), "Yes!");
        assert_eq!(locales().plain(&text!("no"), None), "No");
    }

    #[test]
    fn a_broken_file_says_where() {
        let error = Locales::new(&[("de", "fine = gut\nbroken == {\n")]).unwrap_err().to_string();
        assert!(error.contains("`de`") && error.contains("line 2") && error.contains("broken"), "{error}");
        assert!(matches!(Locales::new(&[("???", "")]), Err(Error::Language(_))));
    }

    #[test]
    fn sentences_are_shared_between_threads() {
        fn shared<T: Send + Sync>() {}
        shared::<Locales>();
    }
}
