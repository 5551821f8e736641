//! JSON as .NET's Newtonsoft reads and writes it: lenient, in order, with numbers as they were.

use std::fmt::Write as _;

/// A JSON value that keeps the order of its members and tells integers from floats.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Json {
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
        let mut reader = Reader { text, at: 0, depth: 0 };
        reader.skip()?;
        if reader.at == text.len() { Ok(None) } else { reader.value().map(Some) }
    }

    /// The one value in a text, which may be followed by blanks and comments only.
    pub(super) fn parse_whole(text: &str) -> Result<Self, Error> {
        let mut reader = Reader { text, at: 0, depth: 0 };
        reader.skip()?;
        let value = reader.value()?;
        reader.skip()?;
        if reader.at == text.len() { Ok(value) } else { Err(reader.error("something after the end")) }
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
    if (-5..15).contains(&exponent) {
        format!("{number}")
    } else {
        let sign = if exponent < 0 { '-' } else { '+' };
        format!("{mantissa}E{sign}{:02}", exponent.abs())
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl Reader<'_> {
    fn error(&self, what: impl Into<String>) -> Error {
        let line = self.text[..self.at].matches('\n').count() + 1;
        Error { line, what: what.into() }
    }

    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// Blanks, comments and a byte order mark.
    fn skip(&mut self) -> Result<(), Error> {
        loop {
            let rest = self.rest();
            let blanks =
                rest.len() - rest.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}').len();
            self.at += blanks;
            let rest = self.rest();
            if rest.starts_with("//") {
                self.at += rest.find('\n').unwrap_or(rest.len());
            } else if rest.starts_with("/*") {
                self.at += rest.find("*/").ok_or_else(|| self.error("a comment without end"))? + 2;
            } else {
                return Ok(());
            }
        }
    }

    fn value(&mut self) -> Result<Json, Error> {
        self.depth += 1;
        if self.depth > 64 {
            return Err(self.error("more than 64 levels"));
        }
        let value = match self.peek() {
            Some('{') => self.object(),
            Some('[') => self.array(),
            Some(mark @ ('"' | '\'')) => self.string(mark).map(Json::Text),
            Some(c) if c == '-' || c == '+' || c == '.' || c.is_ascii_digit() => self.number(),
            Some(_) => self.word(),
            None => Err(self.error("it ends too early")),
        };
        self.depth -= 1;
        value
    }

    fn object(&mut self) -> Result<Json, Error> {
        self.at += 1;
        let mut members: Vec<(String, Json)> = Vec::new();
        loop {
            self.skip()?;
            let key = match self.peek() {
                Some('}') => {
                    self.at += 1;
                    return Ok(Json::Object(members));
                }
                Some(mark @ ('"' | '\'')) => self.string(mark)?,
                Some(c) if c.is_alphanumeric() || c == '_' || c == '$' => self.name(),
                Some(c) => return Err(self.error(format!("`{c}` where a member's name should be"))),
                None => return Err(self.error("an object without end")),
            };
            self.skip()?;
            if self.peek() != Some(':') {
                return Err(self.error(format!("no `:` after `{key}`")));
            }
            self.at += 1;
            self.skip()?;
            let value = self.value()?;
            match members.iter_mut().find(|(known, _)| *known == key) {
                Some(member) => member.1 = value,
                None => members.push((key, value)),
            }
            self.skip()?;
            match self.peek() {
                Some(',') => self.at += 1,
                Some('}') => {}
                _ => return Err(self.error("no `,` or `}` after a member")),
            }
        }
    }

    fn array(&mut self) -> Result<Json, Error> {
        self.at += 1;
        let mut items = Vec::new();
        loop {
            self.skip()?;
            if self.peek() == Some(']') {
                self.at += 1;
                return Ok(Json::Array(items));
            }
            items.push(self.value()?);
            self.skip()?;
            match self.peek() {
                Some(',') => self.at += 1,
                Some(']') => {}
                _ => return Err(self.error("no `,` or `]` after an item")),
            }
        }
    }

    fn name(&mut self) -> String {
        let rest = self.rest();
        let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$')).unwrap_or(rest.len());
        let name = rest[..end].to_owned();
        self.at += end;
        name
    }

    fn word(&mut self) -> Result<Json, Error> {
        let name = self.name();
        match name.as_str() {
            "true" => Ok(Json::Bool(true)),
            "false" => Ok(Json::Bool(false)),
            "null" | "undefined" => Ok(Json::Null),
            "NaN" => Ok(Json::Float(f64::NAN)),
            "Infinity" => Ok(Json::Float(f64::INFINITY)),
            _ => {
                Err(self
                    .error(format!("`{}` is no value", &self.rest().chars().take(10).collect::<String>())))
            }
        }
    }

    fn number(&mut self) -> Result<Json, Error> {
        let rest = self.rest();
        let end = rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '+' | '.')))
            .unwrap_or(rest.len());
        let text = rest[..end].to_owned();
        let digits = text.strip_prefix('-').unwrap_or(&text);
        let value = if digits.bytes().all(|b| b.is_ascii_digit()) && !digits.is_empty() {
            let trimmed = digits.trim_start_matches('0');
            let digits = if trimmed.is_empty() { "0" } else { trimmed };
            let sign = if text.starts_with('-') && digits != "0" { "-" } else { "" };
            Json::Integer(format!("{sign}{digits}"))
        } else if text == "-Infinity" {
            Json::Float(f64::NEG_INFINITY)
        } else {
            match text.parse::<f64>() {
                Ok(number) => Json::Float(number),
                Err(_) => return Err(self.error(format!("`{text}` is no number"))),
            }
        };
        self.at += end;
        Ok(value)
    }

    fn string(&mut self, mark: char) -> Result<String, Error> {
        self.at += 1;
        let mut out = String::new();
        loop {
            let rest = self.rest();
            let Some(stop) = rest.find(['\\', mark]) else { return Err(self.error("a text without end")) };
            out.push_str(&rest[..stop]);
            let found = rest.as_bytes()[stop];
            self.at += stop + 1;
            if found != b'\\' {
                return Ok(out);
            }
            self.escape(&mut out)?;
        }
    }

    fn escape(&mut self, out: &mut String) -> Result<(), Error> {
        let Some(c) = self.peek() else { return Err(self.error("a text without end")) };
        self.at += c.len_utf8();
        match c {
            'b' => out.push('\u{8}'),
            't' => out.push('\t'),
            'n' => out.push('\n'),
            'f' => out.push('\u{c}'),
            'r' => out.push('\r'),
            '"' | '\'' | '\\' | '/' => out.push(c),
            'u' => {
                let first = self.hex()?;
                let wide = if (0xd800..0xdc00).contains(&first) && self.rest().starts_with("\\u") {
                    let before = self.at;
                    self.at += 2;
                    let second = self.hex()?;
                    if (0xdc00..0xe000).contains(&second) {
                        char::from_u32(0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00))
                    } else {
                        self.at = before;
                        None
                    }
                } else {
                    char::from_u32(first)
                };
                out.push(wide.unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            c => return Err(self.error(format!("`\\{c}` is no escape"))),
        }
        Ok(())
    }

    fn hex(&mut self) -> Result<u32, Error> {
        let code = self.rest().get(..4).and_then(|digits| u32::from_str_radix(digits, 16).ok());
        let code = code.ok_or_else(|| self.error("`\\u` without four hexadecimal digits"))?;
        self.at += 4;
        Ok(code)
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
