//! Numbers, written and read as a language does: `1,234.5`, `1.234,5`, `1 234,5`, `1’234.5`.
//!
//! The signs are those of CLDR (<https://cldr.unicode.org/>); digits are the European ones everywhere.

use fluent_bundle::FluentValue;

/// Which signs a language puts into a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Signs {
    /// `1,234.5`
    Comma,
    /// `1.234,5`
    Point,
    /// `1 234,5`, with a blank that does not break the line.
    Blank,
    /// `1’234.5`
    Apostrophe,
}

/// Languages that write `1.234,5`.
const POINT: [&str; 18] = [
    "ca", "da", "de", "el", "es", "eu", "gl", "hr", "id", "is", "it", "mk", "nl", "pt", "ro", "sl", "sr",
    "tr",
];
/// Languages that write `1 234,5`.
const BLANK: [&str; 15] =
    ["bg", "cs", "et", "fi", "fr", "hu", "lt", "lv", "nb", "nn", "no", "pl", "ru", "sk", "sv"];
/// Places that write `1’234.5`.
const APOSTROPHE: [&str; 4] = ["de-ch", "de-li", "it-ch", "rm"];

impl Signs {
    fn of(language: &str) -> Self {
        let tag = language.replace('_', "-").to_ascii_lowercase();
        let base = tag.split('-').next().unwrap_or_default();
        if APOSTROPHE.contains(&tag.as_str()) || APOSTROPHE.contains(&base) {
            Self::Apostrophe
        } else if POINT.contains(&base) {
            Self::Point
        } else if BLANK.contains(&base) || base == "uk" {
            Self::Blank
        } else {
            Self::Comma
        }
    }

    /// Between groups of three, and before the fraction.
    fn both(self) -> (char, char) {
        match self {
            Self::Comma => (',', '.'),
            Self::Point => ('.', ','),
            Self::Blank => ('\u{a0}', ','),
            Self::Apostrophe => ('’', '.'),
        }
    }
}

/// What writes the numbers of a bundle of this language.
pub(super) fn writer<M>(language: &str) -> fn(&FluentValue<'_>, &M) -> Option<String> {
    match Signs::of(language) {
        Signs::Comma => |value, _| written(value, Signs::Comma),
        Signs::Point => |value, _| written(value, Signs::Point),
        Signs::Blank => |value, _| written(value, Signs::Blank),
        Signs::Apostrophe => |value, _| written(value, Signs::Apostrophe),
    }
}

fn written(value: &FluentValue<'_>, signs: Signs) -> Option<String> {
    match value {
        FluentValue::Number(number) => Some(digits(&number.as_string(), signs)),
        _ => None,
    }
}

/// A number in digits with a point, as this language writes it.
pub(super) fn in_digits(number: &str, language: &str) -> String {
    digits(number, Signs::of(language))
}

fn digits(number: &str, signs: Signs) -> String {
    let (group, point) = signs.both();
    let (sign, number) = number.strip_prefix('-').map_or(("", number), |rest| ("-", rest));
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let mut written = sign.to_owned();
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place) % 3 == 0 {
            written.push(group);
        }
        written.push(digit);
    }
    if !fraction.is_empty() {
        written.push(point);
        written.push_str(fraction);
    }
    written
}

/// The number that somebody wrote, in whatever way people write numbers; nothing if it is none. Only where one sign may
/// mean either (`1.234`), the language decides, unless only a `whole` number is asked for.
#[must_use]
pub fn read_number(words: &str, language: Option<&str>, whole: bool) -> Option<f64> {
    let blanks = [' ', '\u{a0}', '\u{202f}', '\u{2009}', '’', '\''];
    let words: String = words.trim().chars().filter(|letter| !blanks.contains(letter)).collect();
    let (_, fraction) = Signs::of(language.unwrap_or_default()).both();
    let last = words.rfind([',', '.']);
    let point = last.filter(|&place| {
        let sign = words.as_bytes()[place];
        let is_only = !words[..place].contains([',', '.']);
        let is_mixed = words[..place].bytes().any(|byte| matches!(byte, b',' | b'.') && byte != sign);
        let head = words[..place].trim_start_matches(['-', '+']);
        let may_group = words.len() - place == 4 && (1..=3).contains(&head.len()) && !head.starts_with('0');
        is_mixed || is_only && !(may_group && (whole || char::from(sign) != fraction))
    });
    let number: String = match point {
        Some(place) => {
            let (before, after) = (words[..place].replace([',', '.'], ""), &words[place + 1..]);
            format!("{before}.{after}")
        }
        None => words.replace([',', '.'], ""),
    };
    let is_plain = number.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'+'));
    number.parse().ok().filter(|number: &f64| is_plain && number.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_written_as_its_language_does() {
        for (number, english, german, french, swiss) in [
            ("0", "0", "0", "0", "0"),
            ("999", "999", "999", "999", "999"),
            ("1234", "1,234", "1.234", "1\u{a0}234", "1’234"),
            ("-1234567", "-1,234,567", "-1.234.567", "-1\u{a0}234\u{a0}567", "-1’234’567"),
            ("0.5", "0.5", "0,5", "0,5", "0.5"),
            ("-1000.25", "-1,000.25", "-1.000,25", "-1\u{a0}000,25", "-1’000.25"),
        ] {
            let all = ["en", "de", "fr-CA", "de_CH"].map(|language| in_digits(number, language));
            assert_eq!(all, [english, german, french, swiss]);
        }
    }

    #[test]
    fn a_number_is_read_however_it_is_written() {
        for (words, language, whole, number) in [
            ("12", None, true, Some(12.0)),
            (" -3 ", None, true, Some(-3.0)),
            ("0,5", None, false, Some(0.5)),
            ("0.125", Some("de"), false, Some(0.125)),
            ("1.234,5", None, false, Some(1234.5)),
            ("1,234.5", Some("de"), false, Some(1234.5)),
            ("1.234.567", None, false, Some(1_234_567.0)),
            ("1 234,5", None, false, Some(1234.5)),
            ("1’234.5", None, false, Some(1234.5)),
            ("1.234", Some("de"), false, Some(1234.0)),
            ("1.234", Some("en"), false, Some(1.234)),
            ("1,234", Some("en"), false, Some(1234.0)),
            ("1,234", Some("de-AT"), false, Some(1.234)),
            ("1.234", Some("en"), true, Some(1234.0)),
            ("1,2", None, true, Some(1.2)),
            ("", None, false, None),
            ("many", None, false, None),
            ("inf", None, false, None),
            ("NaN", None, false, None),
            ("1e9", None, false, None),
            (".", None, false, None),
        ] {
            assert_eq!(read_number(words, language, whole), number, "{words} {language:?} {whole}");
        }
    }
}
