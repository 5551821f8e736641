//! Reads JSON with all that Newtonsoft forgives: comments, single quotes, bare names, trailing commas.

use super::{Error, Json};

/// What is still to be read of a text.
pub(super) struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0, depth: 0 }
    }

    /// Is everything read?
    pub(super) fn is_done(&self) -> bool {
        self.at == self.text.len()
    }

    pub(super) fn error(&self, what: impl Into<String>) -> Error {
        let line = self.text[..self.at].matches('\n').count() + 1;
        Error { line, what: what.into() }
    }

    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// Passes over blanks, comments and a byte order mark.
    pub(super) fn skip(&mut self) -> Result<(), Error> {
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

    /// Reads the value that begins here.
    pub(super) fn value(&mut self) -> Result<Json, Error> {
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
