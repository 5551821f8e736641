//! The target of a request (path and query) as .NET decodes and writes it again.

/// A decoded path and the query's pairs.
#[derive(Clone, Debug, Default)]
pub(super) struct Target {
    /// Decoded, without dot segments; `%2F` stays as it is. Begins with a slash.
    pub(super) path: String,
    /// From the `?` on, as sent; or empty.
    pub(super) query: String,
}

impl Target {
    /// Reads a request's target. An absolute URL is cut down to its path and query.
    pub(super) fn parse(target: &str) -> Self {
        let target = match target.split_once("://") {
            Some((_, rest)) => rest.find('/').map_or("/", |at| &rest[at..]),
            None => target,
        };
        let (path, query) = match target.find('?') {
            Some(at) => target.split_at(at),
            None => (target, ""),
        };
        let path = if path.contains('%') { decode_path(path) } else { path.to_owned() };
        Self { path: without_dots(path), query: query.to_owned() }
    }

    /// The query's keys in the order of their first use, each with all its values, decoded.
    pub(super) fn pairs(&self) -> Vec<(String, Vec<String>)> {
        let mut pairs: Vec<(String, Vec<String>)> = Vec::new();
        for pair in self.query.trim_start_matches('?').split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (key, value) = (decode_form(key), decode_form(value));
            match pairs.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(&key)) {
                Some((_, values)) => values.push(value),
                None => pairs.push((key, vec![value])),
            }
        }
        pairs
    }

    /// The path, encoded again.
    pub(super) fn encoded_path(&self) -> String {
        let mut out = String::with_capacity(self.path.len());
        let bytes = self.path.as_bytes();
        for (i, &b) in bytes.iter().enumerate() {
            let kept = b.is_ascii_alphanumeric()
                || b"-._~!$&'()*+,;=:@/".contains(&b)
                || (b == b'%' && hex(bytes.get(i + 1..i + 3)).is_some());
            push(&mut out, b, kept);
        }
        out
    }

    /// Path and query as a forwarded request carries them: what follows an encoded `?` or `#` in the path is lost,
    /// repeated keys become one.
    pub(super) fn forwarded(&self) -> String {
        let mut out = match self.path.find(['?', '#']) {
            Some(at) => Self { path: self.path[..at].to_owned(), query: String::new() }.encoded_path(),
            None => self.encoded_path(),
        };
        out.push_str(&self.rebuilt_query());
        out
    }

    /// The query from its decoded pairs: values of one key joined by commas, empty ones among several left out.
    pub(super) fn rebuilt_query(&self) -> String {
        let mut out = String::new();
        if self.query.is_empty() {
            return out;
        }
        for (key, values) in self.pairs() {
            out.push(if out.is_empty() { '?' } else { '&' });
            encode_form(&key, &mut out);
            out.push('=');
            encode_form(&joined(&values), &mut out);
        }
        out
    }
}

/// Several values as one, as .NET's `StringValues` does it.
pub(super) fn joined(values: &[String]) -> String {
    match values {
        [one] => one.clone(),
        several => {
            let kept: Vec<&str> =
                several.iter().map(String::as_str).filter(|value| !value.is_empty()).collect();
            kept.join(",")
        }
    }
}

fn hex(digits: Option<&[u8]>) -> Option<u8> {
    let text = std::str::from_utf8(digits?).ok()?;
    if text.bytes().all(|b| b.is_ascii_hexdigit()) { u8::from_str_radix(text, 16).ok() } else { None }
}

/// Decodes everything but `%2F`; sequences that are no UTF-8 stay.
fn decode_path(path: &str) -> String {
    decode(path.as_bytes(), |byte| byte != b'/' && byte != 0)
}

fn decode_form(text: &str) -> String {
    if text.contains('+') {
        decode(text.replace('+', " ").as_bytes(), |_| true)
    } else if text.contains('%') {
        decode(text.as_bytes(), |_| true)
    } else {
        text.to_owned()
    }
}

fn decode(bytes: &[u8], wanted: impl Fn(u8) -> bool) -> String {
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while i < bytes.len() {
        match hex(bytes.get(i + 1..i + 3)).filter(|_| bytes[i] == b'%') {
            Some(byte) if wanted(byte) => {
                out.push(byte);
                i += 3;
            }
            _ => {
                out.push(bytes[i]);
                i += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn without_dots(path: String) -> String {
    if !path.split('/').any(|segment| segment == "." || segment == "..") {
        return path;
    }
    let mut kept: Vec<&str> = Vec::new();
    for segment in path.split('/').skip(1) {
        match segment {
            "." => {}
            ".." => {
                kept.pop();
            }
            segment => kept.push(segment),
        }
    }
    format!("/{}", kept.join("/"))
}

/// Encodes as .NET's default `UrlEncoder`.
fn encode_form(text: &str, out: &mut String) {
    for b in text.bytes() {
        push(out, b, b.is_ascii_alphanumeric() || b"-._~!$()*,;@".contains(&b));
    }
}

fn push(out: &mut String, byte: u8, as_it_is: bool) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    if as_it_is {
        out.push(char::from(byte));
    } else {
        out.push('%');
        out.push(char::from(DIGITS[usize::from(byte >> 4)]));
        out.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_rewritten_as_dotnet_does() {
        for (given, forwarded) in [
            (
                "/api/r/one%20two/b%2Fc/x/d/e%3Ff?x=1&multi=a&multi=b&e=&u=%C3%A9%20+z",
                "/api/r/one%20two/b%2Fc/x/d/e?x=1&multi=a,b&e=&u=%C3%A9%20%20z",
            ),
            (
                "/api/h?flag&a=&b=1&a=2&%C3%A4=%2B%26%3D%25&plus=a+b&enc=%E2%82%AC",
                "/api/h?flag=&a=2&b=1&%C3%A4=%2B%26%3D%25&plus=a%20b&enc=%E2%82%AC",
            ),
            ("/api/r/a/b/x/../y", "/api/r/a/b/y"),
            ("http://x.test/API/H", "/API/H"),
        ] {
            assert_eq!(Target::parse(given).forwarded(), forwarded, "{given}");
        }
    }
}
