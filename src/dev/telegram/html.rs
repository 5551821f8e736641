//! Reads Telegram's HTML (<https://core.telegram.org/bots/api#html-style>) into a text and its entities, refusing what
//! Telegram refuses, in its words.

use super::{
    text::{utf16, with_found},
    wire::{Entity, User},
};

/// The text and entities of this HTML.
///
/// # Errors
/// What the official server says after `can't parse entities: `.
pub(super) fn parse(html: &str) -> Result<(String, Vec<Entity>), String> {
    let mut reader =
        Reader { html, at: 0, text: String::new(), length: 0, open: Vec::new(), done: Vec::new() };
    while let Some(next) = html[reader.at..].chars().next() {
        match next {
            '&' => reader.character(),
            '<' if html[reader.at..].starts_with("</") => reader.end_tag()?,
            '<' => reader.start_tag()?,
            other => reader.push(other, other.len_utf8()),
        }
    }
    match reader.open.last() {
        Some(tag) => Err(format!("Can't find end tag corresponding to start tag \"{}\"", tag.name)),
        None => Ok(reader.trimmed()),
    }
}

struct Reader<'a> {
    html: &'a str,
    /// Byte offset in `html`.
    at: usize,
    text: String,
    /// Of `text`, in UTF-16 code units.
    length: usize,
    open: Vec<Tag>,
    done: Vec<Entity>,
}

struct Tag {
    name: String,
    entity: Option<Entity>,
    start: usize,
}

impl Reader<'_> {
    fn push(&mut self, character: char, bytes: usize) {
        self.text.push(character);
        self.length += character.len_utf16();
        self.at += bytes;
    }

    /// A character reference; one that Telegram doesn't know is plain text.
    fn character(&mut self) {
        let (character, bytes) = reference(&self.html[self.at..]).unwrap_or(('&', 1));
        self.push(character, bytes);
    }

    fn start_tag(&mut self) -> Result<(), String> {
        let begin = self.at;
        let rest = &self.html[begin + 1..];
        let unclosed = |name: &str| format!("Unclosed start tag \"{name}\" at byte offset {begin}");
        let end = rest.find(|c: char| c.is_whitespace() || c == '>').unwrap_or(rest.len());
        let name = rest[..end].to_ascii_lowercase();
        if !NAMES.contains(&name.as_str()) {
            return Err(format!("Unsupported start tag \"{name}\" at byte offset {begin}"));
        }
        let (attributes, length) = attributes(&rest[end..]).ok_or_else(|| unclosed(&name))?;
        self.at = begin + 1 + end + length;
        let attribute =
            |name: &str| attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let entity = self.entity(&name, attribute, begin)?;
        self.open.push(Tag { name, entity, start: self.length });
        Ok(())
    }

    fn entity<'v>(
        &mut self,
        name: &str,
        attribute: impl Fn(&str) -> Option<&'v str>,
        begin: usize,
    ) -> Result<Option<Entity>, String> {
        let mut entity = Entity::new(KINDS[NAMES.iter().position(|known| *known == name).unwrap_or(0)], 0, 0);
        match name {
            "a" => match attribute("href") {
                Some(link) => mark_link(&mut entity, link),
                None => return Ok(None),
            },
            "span" if attribute("class") != Some("tg-spoiler") => {
                return Err(format!("Tag \"span\" must have class \"tg-spoiler\" at byte offset {begin}"));
            }
            "tg-emoji" => entity.custom_emoji_id = attribute("emoji-id").map(str::to_owned),
            "blockquote" if attribute("expandable").is_some() => {
                entity.kind = "expandable_blockquote".to_owned();
            }
            "code" => {
                let language = attribute("class").and_then(|class| class.strip_prefix("language-"));
                // `<pre><code class="language-rust">` is one entity, the outer one.
                if let (Some(language), Some(Tag { name, entity: Some(outer), .. })) =
                    (language, self.open.last_mut())
                    && name == "pre"
                {
                    outer.language = Some(language.to_owned());
                    return Ok(None);
                }
            }
            _ => {}
        }
        Ok(Some(entity))
    }

    fn end_tag(&mut self) -> Result<(), String> {
        let begin = self.at;
        let tag = self.open.pop().ok_or_else(|| format!("Unexpected end tag at byte offset {begin}"))?;
        let rest = &self.html[begin + 2..];
        let end = rest.find('>').ok_or_else(|| format!("Unclosed end tag at byte offset {begin}"))?;
        let name = rest[..end].trim_end().to_ascii_lowercase();
        if !name.is_empty() && name != tag.name {
            let expected = tag.name;
            return Err(format!(
                "Unmatched end tag at byte offset {begin}, expected \"</{expected}>\", found \"</{name}>\""
            ));
        }
        self.at = begin + 2 + end + 1;
        if let Some(mut entity) = tag.entity {
            (entity.offset, entity.length) = (tag.start, self.length - tag.start);
            self.done.push(entity);
        }
        Ok(())
    }

    /// Telegram trims the text; entities shrink with it, and empty ones vanish.
    fn trimmed(self) -> (String, Vec<Entity>) {
        let trimmed = self.text.trim();
        let start = utf16(&self.text[..self.text.len() - self.text.trim_start().len()]);
        let end = start + utf16(trimmed);
        let kept = self.done.into_iter().filter_map(|mut entity| {
            let (from, to) = (entity.offset.max(start), (entity.offset + entity.length).min(end));
            (entity.offset, entity.length) = (from.checked_sub(start)?, to.checked_sub(from)?);
            (entity.length > 0).then_some(entity)
        });
        let kept = kept.collect();
        (trimmed.to_owned(), with_found(trimmed, kept))
    }
}

/// Tags, and below them the entity each one makes.
const NAMES: [&str; 16] = [
    "a",
    "b",
    "strong",
    "i",
    "em",
    "u",
    "ins",
    "s",
    "strike",
    "del",
    "span",
    "tg-spoiler",
    "tg-emoji",
    "code",
    "pre",
    "blockquote",
];
const KINDS: [&str; 16] = [
    "text_link",
    "bold",
    "bold",
    "italic",
    "italic",
    "underline",
    "underline",
    "strikethrough",
    "strikethrough",
    "strikethrough",
    "spoiler",
    "spoiler",
    "custom_emoji",
    "code",
    "pre",
    "blockquote",
];

fn mark_link(entity: &mut Entity, link: &str) {
    match link.strip_prefix("tg://user?id=").and_then(|id| id.parse().ok()) {
        Some(id) => {
            entity.kind = "text_mention".to_owned();
            entity.user = Some(User { id, ..User::default() });
        }
        None => entity.url = Some(link.to_owned()),
    }
}

/// Reads attributes up to and with the `>`: pairs, and how many bytes that was. `None` if the `>` never comes.
fn attributes(text: &str) -> Option<(Vec<(String, String)>, usize)> {
    let mut pairs = Vec::new();
    let mut rest = text.trim_start();
    loop {
        if let Some(after) = rest.strip_prefix('>') {
            return Some((pairs, text.len() - after.len()));
        }
        let end = rest.find(|c: char| c.is_whitespace() || c == '=' || c == '>')?;
        let name = rest[..end].to_ascii_lowercase();
        rest = rest[end..].trim_start();
        let mut value = String::new();
        if let Some(after) = rest.strip_prefix('=') {
            let after = after.trim_start();
            let quote = after.chars().next().filter(|c| matches!(c, '"' | '\''));
            let (raw, remaining) = match quote {
                Some(quote) => after[1..].split_once(quote)?,
                None => after.split_at(after.find(|c: char| c.is_whitespace() || c == '>')?),
            };
            value = decoded(raw);
            rest = remaining.trim_start();
        }
        if name.is_empty() {
            return None;
        }
        pairs.push((name, value));
    }
}

fn decoded(raw: &str) -> String {
    let mut text = String::new();
    let mut rest = raw;
    while let Some(next) = rest.chars().next() {
        let (character, bytes) = reference(rest).unwrap_or((next, next.len_utf8()));
        text.push(character);
        rest = &rest[bytes..];
    }
    text
}

/// The character reference that `text` starts with, and its bytes.
fn reference(text: &str) -> Option<(char, usize)> {
    for (name, character) in [("&lt;", '<'), ("&gt;", '>'), ("&amp;", '&'), ("&quot;", '"')] {
        if text.starts_with(name) {
            return Some((character, name.len()));
        }
    }
    let digits = text.strip_prefix("&#")?;
    let end = digits.find(';').filter(|end| *end <= 8)?;
    let code = match digits[..end].strip_prefix(['x', 'X']) {
        Some(hexadecimal) => u32::from_str_radix(hexadecimal, 16).ok()?,
        None => digits[..end].parse().ok()?,
    };
    Some((char::from_u32(code).filter(|c| *c != '\0')?, 2 + end + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_becomes_entities() {
        let table = [
            ("plain", "plain", vec![]),
            ("<b>A &amp; 😀</b> b", "A & 😀 b", vec![("bold", 0, 6)]),
            ("  <i>x</i>\n", "x", vec![("italic", 0, 1)]),
            ("<b>a<i>b</i></b>", "ab", vec![("bold", 0, 2), ("italic", 1, 1)]),
            ("<pre><code class=\"language-rust\">x</code></pre>", "x", vec![("pre", 0, 1)]),
            ("<a href='https://example.org?a=1&amp;b'>go</a>", "go", vec![("text_link", 0, 2)]),
            ("<b></b>&nbsp;&#65;", "&nbsp;A", vec![]),
            ("<code>/help</code> /help", "/help /help", vec![("code", 0, 5), ("bot_command", 6, 5)]),
        ];
        for (html, text, entities) in table {
            let (found, marks) = parse(html).unwrap();
            let marks: Vec<_> = marks.iter().map(|e| (e.kind.as_str(), e.offset, e.length)).collect();
            assert_eq!((found.as_str(), marks), (text, entities), "{html}");
        }
        assert_eq!(
            parse("<a href='https://example.org?a=1&amp;b'>go</a>").unwrap().1[0].url.as_deref(),
            Some("https://example.org?a=1&b")
        );
    }

    /// The markup and most of the texts are from TDLib's own tests
    /// (<https://github.com/tdlib/td/blob/master/test/message_entities.cpp>).
    #[test]
    fn what_telegram_refuses_is_refused_in_its_words() {
        let table = [
            ("🏟 🏟&lt;<abac>", "Unsupported start tag \"abac\" at byte offset 13"),
            ("🏟 🏟&lt;<i    aba>", "Can't find end tag corresponding to start tag \"i\""),
            ("🏟 🏟&lt;<i    aba  =  ", "Unclosed start tag \"i\" at byte offset 13"),
            ("🏟 🏟&lt;</", "Unexpected end tag at byte offset 13"),
            ("🏟 🏟&lt;<b></b></", "Unexpected end tag at byte offset 20"),
            ("🏟 🏟&lt;<i>a</i   ", "Unclosed end tag at byte offset 17"),
            (
                "🏟 🏟&lt;<i>a</em   >",
                "Unmatched end tag at byte offset 17, expected \"</i>\", found \"</em>\"",
            ),
            ("<span>x</span>", "Tag \"span\" must have class \"tg-spoiler\" at byte offset 0"),
            ("1 < 2", "Unsupported start tag \"\" at byte offset 2"),
        ];
        for (html, error) in table {
            assert_eq!(parse(html).unwrap_err(), error, "{html}");
        }
    }
}
