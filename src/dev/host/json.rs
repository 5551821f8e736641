//! JSON as .NET's Newtonsoft reads and writes it: lenient, in order, with numbers as they were.

mod reader;

use std::fmt::Write as _;

use self::reader::Reader;

/// A JSON value that keeps the order of its members and tells integers from floats.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum Json {
    #[default]
    Null,
    Bool(bool),
    /// An integer of any size, as its digits.
    Integer(String),
    Float(f64),
    Text(String),
    Array(Vec<Json>),
    Object(Vec<(String, Json)>),
}

/// Where a text stops being JSON.
#[derive(Debug, thiserror::Error)]
#[error("line {line}: {what}")]
pub(super) struct Error {
    pub(super) line: usize,
    what: String,
}

impl Json {
    /// The first value in a text; what follows it is ignored, as Newtonsoft's serializer does. None if there is nothing.
    pub(super) fn parse(text: &str) -> Result<Option<Self>, Error> {
        let mut reader = Reader::new(text);
        reader.skip()?;
        if reader.is_done() { Ok(None) } else { reader.value().map(Some) }
    }

    /// The one value in a text, which may be followed by blanks and comments only.
    pub(super) fn parse_whole(text: &str) -> Result<Self, Error> {
        let mut reader = Reader::new(text);
        reader.skip()?;
        let value = reader.value()?;
        reader.skip()?;
        if reader.is_done() { Ok(value) } else { Err(reader.error("something after the end")) }
    }

    /// A member by its name, in any case.
    pub(super) fn member(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => {
                members.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
            }
            _ => None,
        }
    }

    /// A member by its exact name; of several, the last.
    pub(super) fn exact(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => {
                members.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value)
            }
            _ => None,
        }
    }

    /// A member of a member of …, in any case.
    pub(super) fn path(&self, names: &[&str]) -> Option<&Self> {
        names.iter().try_fold(self, |value, name| value.member(name))
    }

    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A truth, or a text that says one (settings from the environment are texts).
    pub(super) fn truth(&self) -> Option<bool> {
        match self {
            Self::Bool(truth) => Some(*truth),
            Self::Text(text) if text.eq_ignore_ascii_case("true") => Some(true),
            Self::Text(text) if text.eq_ignore_ascii_case("false") => Some(false),
            _ => None,
        }
    }

    /// A number, or a text that is one.
    pub(super) fn integer(&self) -> Option<i64> {
        match self {
            Self::Integer(digits) | Self::Text(digits) => digits.parse().ok(),
            _ => None,
        }
    }

    pub(super) fn items(&self) -> &[Self] {
        match self {
            Self::Array(items) => items,
            _ => &[],
        }
    }

    pub(super) fn members(&self) -> &[(String, Self)] {
        match self {
            Self::Object(members) => members,
            _ => &[],
        }
    }

    pub(super) fn of(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    pub(super) fn number(number: impl Into<i64>) -> Self {
        Self::Integer(number.into().to_string())
    }

    /// As one line.
    pub(super) fn compact(&self) -> String {
        let mut out = String::new();
        self.write(&mut out, None);
        out
    }

    /// Over several lines, two blanks a level.
    pub(super) fn indented(&self) -> String {
        let mut out = String::new();
        self.write(&mut out, Some(0));
        out
    }

    fn write(&self, out: &mut String, indent: Option<usize>) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(truth) => out.push_str(if *truth { "true" } else { "false" }),
            Self::Integer(digits) => out.push_str(digits),
            Self::Float(number) => {
                let text = float(*number);
                if !number.is_finite() {
                    quote(&text, out);
                } else if text.contains(['.', 'E']) {
                    out.push_str(&text);
                } else {
                    out.push_str(&text);
                    out.push_str(".0");
                }
            }
            Self::Text(text) => quote(text, out),
            Self::Array(items) => list(out, indent, ('[', ']'), items, |item, out, indent| {
                item.write(out, indent);
            }),
            Self::Object(members) => list(out, indent, ('{', '}'), members, |(key, value), out, deeper| {
                quote(key, out);
                out.push_str(if indent.is_some() { ": " } else { ":" });
                value.write(out, deeper);
            }),
        }
    }
}

fn list<T>(
    out: &mut String,
    indent: Option<usize>,
    brackets: (char, char),
    items: &[T],
    write: impl Fn(&T, &mut String, Option<usize>),
) {
    let line = |out: &mut String, level: Option<usize>| {
        if let Some(level) = level {
            out.push('\n');
            out.extend(std::iter::repeat_n("  ", level));
        }
    };
    out.push(brackets.0);
    let deeper = indent.map(|level| level + 1);
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        line(out, deeper);
        write(item, out, deeper);
    }
    if !items.is_empty() {
        line(out, indent);
    }
    out.push(brackets.1);
}

/// Writes a JSON string with the escapes that Newtonsoft uses by default.
pub(super) fn quote(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\u{c}' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            c if c < ' ' || matches!(c, '\u{85}' | '\u{2028}' | '\u{2029}') => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

/// The JSON string of a text.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    quote(text, &mut out);
    out
}

/// A float as .NET's `ToString("R")` writes it: the shortest digits that read back, with an exponent from `1E+15` on
/// and below `0.0001`.
pub(super) fn float(number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    let scientific = format!("{number:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if (-4..15).contains(&exponent) {
        format!("{number}")
    } else {
        let sign = if exponent < 0 { '-' } else { '+' };
        format!("{mantissa}E{sign}{:02}", exponent.abs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(text: &str) -> String {
        Json::parse(text).unwrap().unwrap().compact()
    }

    #[test]
    fn numbers_are_written_as_dotnet_writes_them() {
        assert_eq!(
            round("[1.50,1e3,12345678901234567890123,1e400,1e30,-0.0,0.1,0.00001,0.000001]"),
            r#"[1.5,1000.0,12345678901234567890123,"Infinity",1E+30,-0.0,0.1,1E-05,1E-06]"#
        );
    }

    #[test]
    fn what_newtonsoft_forgives_is_forgiven() {
        assert_eq!(round("\u{feff}{'a':/*c*/1,b_1:[1,],} trailing"), r#"{"a":1,"b_1":[1]}"#);
        assert_eq!(round(r#"{"a":1,"a":2}"#), r#"{"a":2}"#);
        assert_eq!(round(r#""\ud83d\ude00 \ud800x""#), "\"\u{1f600} \u{fffd}x\"");
        assert!(Json::parse(" \n ").unwrap().is_none());
    }

    #[test]
    fn an_error_names_its_line() {
        assert_eq!(Json::parse_whole("{\n\"a\" 1}").unwrap_err().to_string(), "line 2: no `:` after `a`");
        assert!(Json::parse_whole("{} x").is_err());
        assert!(Json::parse(&"[".repeat(100)).is_err());
    }

    #[test]
    fn indented_text_looks_like_newtonsofts() {
        let json = Json::parse(r#"{"a":[1,{"b":null}],"c":{},"d":[]}"#).unwrap().unwrap();
        assert_eq!(
            json.indented(),
            "{\n  \"a\": [\n    1,\n    {\n      \"b\": null\n    }\n  ],\n  \"c\": {},\n  \"d\": []\n}"
        );
    }
}
