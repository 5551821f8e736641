//! Telegram's HTML, read without trust: what is a tag, what is a visible character.

/// A piece of HTML.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Token<'a> {
    /// Visible characters without `<` and `&`.
    Words(&'a str),
    /// One visible character, from an entity or because it was no markup after all.
    Character(char),
    /// A tag that opens, as it stands there.
    Open {
        /// Its name.
        name: &'a str,
        /// All of it, with its attribute.
        tag: &'a str,
    },
    /// A tag that closes.
    Close {
        /// Its name.
        name: &'a str,
    },
}

/// Tags that Telegram knows without an attribute (<https://core.telegram.org/bots/api#html-style>).
const BARE: [&str; 14] = [
    "b",
    "blockquote",
    "code",
    "del",
    "em",
    "i",
    "ins",
    "pre",
    "s",
    "strike",
    "strong",
    "tg-spoiler",
    "u",
    "a",
];

/// Cuts HTML into tokens. Whatever is not Telegram's markup is visible text.
pub(crate) fn tokens(html: &str) -> Tokens<'_> {
    Tokens { rest: html }
}

pub(crate) struct Tokens<'a> {
    rest: &'a str,
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        let (token, length) = match self.rest.as_bytes().first()? {
            b'<' => tag(self.rest).unwrap_or((Token::Character('<'), 1)),
            b'&' => entity(self.rest).unwrap_or((Token::Character('&'), 1)),
            _ => {
                let length = self.rest.find(['<', '&']).unwrap_or(self.rest.len());
                (Token::Words(&self.rest[..length]), length)
            }
        };
        self.rest = &self.rest[length..];
        Some(token)
    }
}

fn tag(html: &str) -> Option<(Token<'_>, usize)> {
    let length = html.find('>')? + 1;
    let tag = &html[..length];
    let inside = &tag[1..length - 1];
    let token = match inside.strip_prefix('/') {
        Some(name) => Token::Close { name: BARE.contains(&name).then_some(name)? },
        None => Token::Open { name: opened(inside)?, tag },
    };
    Some((token, length))
}

fn opened(inside: &str) -> Option<&str> {
    let Some((name, attribute)) = inside.split_once(' ') else {
        return (BARE.contains(&inside) && inside != "a").then_some(inside);
    };
    let quoted = |key| {
        let value: &str = attribute.strip_prefix(key)?.strip_prefix("=\"")?.strip_suffix('"')?;
        (!value.contains(['"', '<'])).then_some(name)
    };
    match name {
        "a" => quoted("href"),
        "code" => quoted("class"),
        "blockquote" => (attribute == "expandable").then_some(name),
        _ => None,
    }
}

fn entity(html: &str) -> Option<(Token<'_>, usize)> {
    let end = html.bytes().take(12).position(|byte| byte == b';')?;
    let name = &html[1..end];
    let character = match name {
        "lt" => '<',
        "gt" => '>',
        "amp" => '&',
        "quot" => '"',
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix('x') {
                Some(digits) => u32::from_str_radix(digits, 16),
                None => number.parse(),
            };
            char::from_u32(code.ok()?)?
        }
    };
    Some((Token::Character(character), end + 1))
}

/// `words` as a text that means nothing but itself, inside an attribute too.
pub(crate) fn escape(words: &str) -> String {
    let mut html = String::with_capacity(words.len());
    for character in words.chars() {
        match character {
            '"' => html.push_str("&quot;"),
            other => push(&mut html, other),
        }
    }
    html
}

/// Adds one visible character to HTML.
pub(crate) fn push(html: &mut String, character: char) {
    match character {
        '<' => html.push_str("&lt;"),
        '>' => html.push_str("&gt;"),
        '&' => html.push_str("&amp;"),
        other => html.push(other),
    }
}

/// Adds a closing tag.
pub(crate) fn close(html: &mut String, name: &str) {
    html.push_str("</");
    html.push_str(name);
    html.push('>');
}

/// The same text with every tag closed in order and everything else escaped: Telegram refuses less.
pub(crate) fn well_formed(html: &str) -> String {
    if !html.contains(['<', '>', '&']) {
        return html.to_owned();
    }
    let mut out = String::with_capacity(html.len() + 16);
    let mut open = Vec::new();
    for token in tokens(html) {
        match token {
            Token::Words(words) => words.chars().for_each(|character| push(&mut out, character)),
            Token::Character(character) => push(&mut out, character),
            Token::Open { name, tag } => {
                open.push(name);
                out.push_str(tag);
            }
            Token::Close { name } => {
                if let Some(depth) = open.iter().rposition(|&opened| opened == name) {
                    open.drain(depth..).rev().for_each(|name| close(&mut out, name));
                }
            }
        }
    }
    open.iter().rev().for_each(|name| close(&mut out, name));
    out
}

/// What a reader sees, without markup.
pub(crate) fn plain(html: &str) -> String {
    let mut out = String::with_capacity(html.len());
    for token in tokens(html) {
        match token {
            Token::Words(words) => out.push_str(words),
            Token::Character(character) => out.push(character),
            Token::Open { .. } | Token::Close { .. } => {}
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_telegrams_markup_is_markup() {
        let visible = |html| plain(html);
        assert_eq!(visible("<b>x</b> <a href=\"u\">y</a> <code class=\"language-rust\">z</code>"), "x y z");
        assert_eq!(visible("<blockquote expandable>q</blockquote>&#128512;&#x41;"), "q😀A");
        for text in ["<script>", "<a>", "<b x=\"1\">", "a < b > c", "&nbsp;", "&#xD800;", "&", "<", "<é"] {
            assert_eq!(visible(text), text);
        }
    }

    proptest! {
        #[test]
        fn escaping_hides_nothing(words in any::<String>()) {
            let html = escape(&words);
            prop_assert!(!html.contains(['<', '>', '"']));
            prop_assert_eq!(plain(&html), words);
        }

        #[test]
        fn well_formed_html_shows_the_same_and_stays_as_it_is(
            html in "(<b>|</b>|<i>|</i>|<a href=\"u\">|</a>|<x>|&amp;|&quot;|&|[<>a-c é😀]){0,20}"
        ) {
            let formed = well_formed(&html);
            prop_assert_eq!(plain(&formed), plain(&html));
            prop_assert_eq!(well_formed(&formed), formed);
        }
    }
}
